"""A flag is one field of a verb's options: what the command line makes of it, and that every verb keeps to it."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, Any, Literal

import hpo
import pytest
import typer
from hpo.errors import SpaceError
from hpo.search import commands
from hpo.search.cli.app import app
from hpo.search.cli.common import command
from hpo.search.cli.flags import one_study
from hpo.search.commands.fields import Flag, HomeField, StudyField, one_of, split_type
from hpo.search.strategy.samplers.registry import SAMPLERS
from hpo.search.strategy.schedulers.registry import SCHEDULERS
from hpo.training.diagnosis.registry import CHECKS
from hpo.training.export.formats.registry import derived_names

VERBS = [verb.name for verb in iter_modules(commands.__path__) if verb.ispkg]
TAKEN_FROM = {"plan": "run"}  # a plan takes the flags of the search that it is about


@dataclass(frozen=True)
class BakeOptions:
    """Of every kind of field, one."""

    flour: Annotated[str, Flag("What of.", positional=True)]
    loaves: Annotated[int, Flag("How many.", short="-n", low=1, high=9)]
    study: StudyField = None
    heat_c: Annotated[float, Flag("How hot.", name="--heat", parse=lambda text: float(text.removesuffix("C")))] = 200.0
    rest: Annotated[
        int | None, Flag("How long.", parse=lambda text: None if text == "auto" else int(text), default="auto")
    ] = None
    seeds: Annotated[Sequence[str], Flag("What on top.", name="--seed")] = ("none",)
    spices: Annotated[tuple[str, ...], "What in it."] = ()
    form: Annotated[Literal["round", "long"], Flag("How.")] = "round"
    steam: Annotated[bool, "With steam."] = False
    home: HomeField = None


def baked(*words: str) -> BakeOptions:
    """The options that `bake WORDS` makes."""
    made: list[BakeOptions] = []

    @command
    def bake(options: BakeOptions, twice: Annotated[bool, typer.Option("--twice")] = False) -> None:
        made.extend([options] * (1 + twice))

    program = typer.Typer()
    program.command()(bake)
    program(list(words), standalone_mode=False)
    return made[-1]


def test_what_is_not_given_is_the_fields_default() -> None:
    assert baked("rye", "-n", "2") == BakeOptions("rye", 2)


def test_what_is_given_has_the_fields_type() -> None:
    words = ["rye", "bread", "--loaves", "3", "--heat", "230C", "--rest", "5", "--seed", "a", "--seed", "b"]
    words += ["--spices", "cumin", "--form", "long", "--steam", "--home", "here", "--twice"]
    assert baked(*words) == BakeOptions(
        "rye", 3, "bread", 230.0, 5, ("a", "b"), ("cumin",), "long", steam=True, home=Path("here")
    )


def test_a_study_is_named_by_position_or_by_option() -> None:
    assert baked("rye", "-n", "1", "--study", "s").study == "s"
    with pytest.raises(SpaceError, match="must name the same study, got 's' and 't'"):
        baked("rye", "s", "-n", "1", "--study", "t")


@pytest.mark.parametrize("loaves", ["0", "10", "many"])
def test_a_number_has_its_range(loaves: str) -> None:
    with pytest.raises(typer.TyperException):
        baked("rye", "-n", loaves)


@pytest.mark.parametrize("flag", ["--no-steam", "--heat-c", "--overrides"])
def test_there_are_no_other_flags(flag: str) -> None:
    with pytest.raises(typer.TyperException):
        baked("rye", "-n", "1", flag)


@pytest.mark.parametrize(
    ("argument", "option", "meant"), [("a", None, "a"), (None, "a", "a"), ("a", "a", "a"), (None, None, None)]
)
def test_a_study_may_be_named_twice_alike(argument: str | None, option: str | None, meant: str | None) -> None:
    assert one_study(argument, option) == meant


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_its_flags_in_its_options(verb: str) -> None:
    """Each has an options.py whose fields all have a help; the command line adds to them only how it answers."""
    module = import_module(f"hpo.search.commands.{TAKEN_FROM.get(verb, verb)}.options")
    (kind,) = (each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__)
    for field in fields(kind):
        assert split_type(field.type)[1].help, f"{kind.__name__}.{field.name}"
    shown = {each.name for each in _command(verb).params}
    assert {field.name for field in fields(kind)} <= shown
    answers = {"json", "help", "html", "csv", "out", "images", "strict"} | {
        f"{field.name}_" for field in fields(kind) if split_type(field.type)[1].also_option
    }
    if verb != "serve":  # its room has the other flags, for `python -m hpo.serving`
        assert shown - {field.name for field in fields(kind)} <= answers


def _command(verb: str) -> Any:
    name = "retrain-best" if verb == "retrain" else verb.replace("_", "-")
    return typer.main.get_command(app).commands[name]


def test_every_command_has_its_folder() -> None:
    names = {"retrain-best" if verb == "retrain" else verb.replace("_", "-") for verb in VERBS}
    assert names == set(typer.main.get_command(app).commands)


@pytest.mark.parametrize(
    ("verb", "field", "names"),
    [
        ("run", "sampler", SAMPLERS),
        ("run", "pruner", SCHEDULERS),
        ("diagnose", "checks", CHECKS),
        ("export", "formats", derived_names()),
        ("retrain", "formats", derived_names()),
    ],
)
def test_help_has_the_names_of_the_registry(verb: str, field: str, names: Sequence[str]) -> None:
    (told,) = (each.help for each in _command(verb).params if each.name == field)
    assert all(name in told for name in names)


def test_names_are_listed_in_words() -> None:
    assert [one_of(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a or b", "a, b or c"]


def test_notebooks_see_plain_types() -> None:
    parameters = inspect.signature(hpo.run).parameters
    assert parameters["space"].annotation is str
    assert parameters["home"].annotation == Path | None
    assert parameters["device"].default == "auto"
