"""The guide's examples load, and its messages are those that are said."""

import re
from pathlib import Path

import pytest
from hpo.errors import SpaceError
from hpo.search.configuration.space_file import SpaceFile
from hpo.spaces.load import load_space

GUIDE = (Path(__file__).parents[2] / "docs" / "space-language.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_loads(tmp_path: Path, text: str) -> None:
    (tmp_path / "space.yaml").write_text(text)
    assert load_space(str(tmp_path / "space.yaml"), SpaceFile).parameters


def test_every_override_of_the_guide_works(tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(EXAMPLES[0])
    overrides = re.findall(r"^\| `--set '?([^`']+)'?`", GUIDE, re.MULTILINE)
    assert len(overrides) == 6
    for override in overrides:
        load_space(str(tmp_path / "space.yaml"), SpaceFile, [override])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("low: 0.01", "low: 0", "low must be > 0 with log: true, got 0"),
        ("depth:", "dpeth:", "unknown key; did you mean depth?"),
    ],
)
def test_the_messages_of_the_guide(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert words in GUIDE
    (tmp_path / "space.yaml").write_text(EXAMPLES[0].replace(old, new))
    with pytest.raises(SpaceError, match=re.escape(words)):
        load_space(str(tmp_path / "space.yaml"), SpaceFile)
