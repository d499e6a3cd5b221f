"""How to do it again: commands, seeds and versions."""

from shlex import join, quote

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
    best = summary.best
    lines = ["# the search, in another home or under another name", masked(command)]
    if best is not None:
        trial = quote(f"{summary.study}/{best.number}")
        lines += ["# the best trial, compared epoch by epoch with its record", f"hpo replay {trial}"]
        lines += ["# the same configuration by itself", f"hpo train --trial {trial}"]
        lines += ["# the winner on training and validation images, tested and exported", _retraining(material)]
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


def _retraining(material: Material) -> str:
    """The command that chooses and trains the winner as it was done, or as it would be by itself."""
    summary, winner = material.summary, material.winner
    command = ["hpo", "retrain-best", summary.study]
    if winner is None:
        return join(command)
    manifest = winner.export.manifest
    if manifest.selection is not None and (race := manifest.selection.race) is not None:
        return join([*command, "--candidates", f"{len(race.entries)}", "--seeds", f"{race.seeds}"])
    command += ["--trial", f"{manifest.trial}"]
    epochs = manifest.training.schedule_epochs
    planned = next((trial.planned_epochs for trial in summary.trials if trial.number == manifest.trial), None)
    if planned is not None and not summary.folds and planned != epochs:
        command += ["--epochs", f"{epochs}"]
    return join(command)
