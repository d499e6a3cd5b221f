"""How to do it again: commands, seeds and versions."""

from shlex import quote

from .....common.masking import masked
from .....common.sections import Block, Code, Facts, Section, Text
from .....studies import attributes
from ..material import Material
from .question import git_words, versions_words
from .registry import register_section


@register_section("reproduce", place=60)
def reproduce(material: Material) -> Section | None:
    """The commands; None for a study of another program, which hpo cannot do again."""
    summary = material.summary
    command = str(summary.attributes.get(attributes.COMMAND, ""))
    if not command:
        return None
    best, study = summary.best, quote(summary.study)
    lines = ["# the search, in another home or under another name", masked(command)]
    if best is not None:
        trial = quote(f"{summary.study}/{best.number}")
        lines += ["# the best trial, compared epoch by epoch with its record", f"hpo replay {trial}"]
        lines += ["# the same configuration by itself", f"hpo train --trial {trial}"]
        lines += ["# the winner on training and validation images, tested and exported", f"hpo retrain-best {study}"]
    facts = {
        "seed": str(summary.attributes.get(attributes.SEED, "")),
        "versions": versions_words(summary.attributes),
        "git": git_words(material.noted),
        "data": str(summary.attributes.get(attributes.DATA_FINGERPRINT, "")),
    }
    words = (
        "The same versions and data give the same numbers on the same kind of machine; hpo replay says what differs."
    )
    blocks: list[Block] = [Code("\n".join(lines)), Facts(facts), Text(words, quiet=True)]
    return Section("How to do it again", blocks)
