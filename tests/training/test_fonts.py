"""Pictures show what names say, in whatever script, as far as a font is installed; and say what cannot be shown."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.ttLib.tables._g_l_y_f import Glyph
from hpo.training import fonts
from hpo.training.diagnosis.figures import svg
from hpo.training.diagnosis.finding import Chart
from hpo.training.fonts import draw_literally, missing_note
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

ADLAM = "\N{ADLAM CAPITAL LETTER ALIF}"
NAMES = (
    "猫",
    "ねこ",
    "고양이",
    "кошка",
    "قطة",
    "बिल्ली",
    "แมว",
    "😀",
    "☀\N{VARIATION SELECTOR-16}",
    "a\N{ZERO WIDTH JOINER}b",
    "γάτα",
)
LITERAL = ("a$b$c", "_x", "$\\frac$", "x^2", "100 %", "\\alpha")


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """Each test chooses anew."""
    fonts._choice.cache_clear()
    yield
    fonts._choice.cache_clear()


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with the fonts of matplotlib alone."""
    own = [font for font in font_manager.fontManager.ttflist if "mpl-data" in font.fname]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)


def picture(*names: str) -> Figure:
    """Names in every place where a picture has any, drawn; a missing glyph would be a warning, here an error."""
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    axes.plot(range(len(names)), label=names[0])
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_title(names[-1])
    axes.legend()
    draw_literally(figure)
    FigureCanvasAgg(figure).print_figure(io.BytesIO(), format="png")
    return figure


def shown(figure: Figure) -> list[str]:
    return [tick.label1.get_text() for tick in figure.axes[0].xaxis.get_major_ticks()]


def test_every_name_is_drawn_without_a_warning() -> None:
    assert missing_note(("cat", "кошка", "γάτα", "a b")) == ""
    figure = picture(*NAMES)
    if not missing_note(NAMES):
        assert shown(figure) == list(NAMES)
    assert shown(figure)[3] == "кошка"


@pytest.mark.usefixtures("bare")
def test_what_no_font_has_is_said_and_becomes_a_box() -> None:
    assert shown(picture("猫a", "кошка", "a$b")) == ["□a", "кошка", "a$b"]
    note = missing_note(("猫a", "кошка"))
    assert note.startswith("no installed font has 猫: boxes in the pictures")
    assert "fonts-noto-cjk" in note
    assert "fonts-noto-core" in missing_note((ADLAM,))
    many = missing_note(map(chr, range(0x4E00, 0x4E40)))
    assert many.count("\n") == 0
    assert "and 52 more" in many
    assert missing_note(()) == ""


def test_dollars_and_backslashes_are_no_mathematics() -> None:
    figure = picture(*LITERAL)
    assert shown(figure) == list(LITERAL)
    assert not any(text.get_parse_math() for text in figure.findobj(Text) if text.get_text() in LITERAL)  # type: ignore[attr-defined]


def font_of(character: str, path: Path) -> Path:
    """A font that has this one character."""
    builder = FontBuilder(1000)
    builder.setupGlyphOrder([".notdef", "one"])
    builder.setupCharacterMap({ord(character): "one"})
    builder.setupGlyf({".notdef": Glyph(), "one": Glyph()})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "one": (500, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Of One Letter", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return path


@pytest.mark.usefixtures("bare")
def test_a_font_that_was_just_installed_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """matplotlib keeps a list of fonts that it does not renew."""
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    installed = [str(font_of(ADLAM, tmp_path / "one.ttf")), str(broken)]
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: installed)
    assert missing_note((ADLAM, "a")) == ""
    assert shown(picture(ADLAM, "a")) == [ADLAM, "a"]


def test_nothing_is_changed_for_others() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    picture(*NAMES)
    assert dict(matplotlib.rcParams) == before


def test_numbers_on_a_log_axis_stay_powers() -> None:
    chart = Chart("t", "x", "y", [1.0, 10.0, 100.0], {"$a$": [1e-3, 1e-2, 1.0]}, log_x=True, log_y=True)
    assert svg(chart).count('"#DejaVuSans-') < 40  # three or four for each number, and not `$\\mathdefault{10^{-3}}$`
