"""The pages of docs/ as a whole: what is generated is current, every page can be found, every link leads somewhere."""

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest
from hpo.spaces.fields import Field, Leaf, Section, Variants
from hpo.training.config import TrialConfig

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
_CODE = re.compile(r"```.*?```|^    .*?$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def generate() -> Iterator[ModuleType]:
    """docs/generate.py, as it is run: with docs/ on the path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DOCS))
        yield importlib.import_module("generate")
    for name in [name for name in sys.modules if name.partition(".")[0] in ("generate", "generators")]:
        del sys.modules[name]


def test_what_is_generated_is_current(generate: ModuleType) -> None:
    stale = [path.name for path, text in generate.pages().items() if path.read_text(encoding="utf-8") != text]
    assert not stale, "run: python docs/generate.py"


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for link in _LINK.findall(_CODE.sub("", (ROOT / page).read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, part = unquote(link).partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.exists(), f"{page}: {link}"
        if part:
            assert part in _anchors(target), f"{page}: {link}"


def _anchors(page: Path) -> set[str]:
    """Where links into a page may lead, as GitHub names its headings."""
    headings = _HEADING.findall(re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE))
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in plain}


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    linked = {(DOCS / link.partition("#")[0]).resolve() for link in _LINK.findall(index)}
    assert {path for path in DOCS.rglob("*.md") if path.name != "README.md"} <= linked


def _described(section: Section) -> Iterator[tuple[str, Field]]:
    for name, field in section.fields.items():
        match field.kind:
            case Leaf():
                yield f"{section.model.__name__}.{name}", field
            case Section() as inner:
                yield from _described(inner)
            case Variants(tag=tag, models=models):
                inners = (Section(model) for model in models)
                yield from ((key, each) for inner in inners for key, each in _described(inner) if key[-5:] != f".{tag}")


def test_every_key_of_a_configuration_says_what_it_means() -> None:
    assert [key for key, field in _described(Section(TrialConfig)) if not field.description] == []
