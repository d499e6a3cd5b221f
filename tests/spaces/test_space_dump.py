"""What a space is written as: with comments, which end no line."""

from pathlib import Path

from hpo.search.configuration.space_file import SpaceFile
from hpo.spaces.dump import dump_space
from hpo.spaces.load import load_space
from hpo.spaces.space import SearchSpace

TEXT = """
model: {name: simple_cnn, width: {low: 8, high: 64}}
optimizer: {choices: {sgd: {lr: {low: 0.01, high: 1.0, log: true}}, adamw: {lr: 0.001}}, prior: sgd}
"""


def space_of(folder: Path, text: str = TEXT) -> SearchSpace:
    (folder / "s.yaml").write_text(text)
    return load_space(str(folder / "s.yaml"), SpaceFile)


def test_comments_stand_above_what_they_are_on(tmp_path: Path) -> None:
    comments = {
        "": ["all of it"],
        "optimizer": ["a choice"],
        "optimizer.sgd.lr": ["one", "two"],
        "optimizer.adamw.lr": ["a value"],
    }
    lines = dump_space(space_of(tmp_path), comments).splitlines()
    assert lines[0] == "# all of it"
    assert lines[lines.index("optimizer:") - 1] == "# a choice"
    place = lines.index("      lr: {low: 0.01, high: 1.0, log: true}")
    assert lines[place - 2 : place] == ["      # one", "      # two"]
    assert "      # a value" in lines


def test_a_comment_that_quotes_anything_leaves_the_space_as_it_is(tmp_path: Path) -> None:
    space = space_of(tmp_path)
    for hostile in (
        "a\nmodel: {name: evil}",
        "a\r\nb: 1",
        "a\u2028b",
        "a\x85b",
        "\x1b[2J",
        "\ud800",
        "\ufffe",
        "# - {[",
    ):
        text = dump_space(space, {"": [hostile], "model.width": [hostile]})
        assert len(text.splitlines()) == len(dump_space(space).splitlines()) + 2
        assert space_of(tmp_path, text).canonical() == space.canonical()
