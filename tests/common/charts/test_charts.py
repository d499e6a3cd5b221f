"""Charts: well-formed, escaped, bounded."""

from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from hpo.common.charts.bars import Bar, bars
from hpo.common.charts.frame import SMALL, WIDE, Axis, Frame
from hpo.common.charts.heat_map import MOST, heat_map
from hpo.common.charts.parallel import BOTTOM, TOP, Thread, Upright, parallel
from hpo.common.charts.scale import Categories, Numbers
from hpo.common.charts.svg import dot, element, path
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

ATTACK = "</title></svg><script>alert(1)</script>\" onload='x' \x1b[2J\u202e&amp;"


def framed(text: str) -> Markup:
    frame = Frame(Axis(Categories((text, "b"), *SMALL.across), text), Axis(Numbers(0, 1, *SMALL.upward), text), SMALL)
    return frame.draw(
        text, [dot((50, 50), "usual", text), path([(0, 0), (1, 1)], "best", text), *frame.rule("b", text)]
    )


def barred(text: str) -> Markup:
    return bars([Bar(text, 0.5, text, (0.2, 0.9)), Bar("b", 0.3, "", None, (("good", 0.1), ("bad", 0.2)))], text)


def in_parallel(text: str) -> Markup:
    scale = Categories((text, 1), BOTTOM, TOP)
    axes = [Upright(text, text, scale), Upright("b", text, Numbers(0, 1, BOTTOM, TOP))]
    return parallel(axes, [Thread({text: text, "b": 0.5}, "best", text), Thread({"b": 1}, "quiet", text)], text)


def mapped(text: str) -> Markup:
    return heat_map([[3, 1], [0, 2]], [text, "b"], text, text, text)


CHARTS = [framed, barred, in_parallel, mapped]


@pytest.mark.parametrize("draw", CHARTS)
@given(text=st.text(max_size=40))
def test_any_text_is_text(draw: Callable[[str], Markup], text: str) -> None:
    drawn = ElementTree.fromstring(draw(text))  # raises where it is not well-formed
    assert {each.tag for each in drawn.iter()} <= {"svg", "title", "text", "rect", "circle", "polyline"}


@pytest.mark.parametrize("draw", CHARTS)
def test_what_attacks_a_page_is_text(draw: Callable[[str], Markup]) -> None:
    drawn = draw(ATTACK)
    assert not {"script", "onload"} & {
        name for each in ElementTree.fromstring(drawn).iter() for name in (each.tag, *each.attrib)
    }
    assert "\x1b" not in drawn
    assert "\u202e" not in drawn


def test_an_element_has_its_attributes() -> None:
    assert element("g", "a<b", kind="x y", stroke_width=1.25) == '<g class="x y" stroke-width="1.2">a&lt;b</g>'
    assert element("g", element("g")) == "<g><g></g></g>"


def test_points_that_an_axis_lacks_are_left_out() -> None:
    frame = Frame(Axis(Numbers(0, 1, *WIDE.across), "x"), Axis(Numbers(0, 1, *WIDE.upward), "y"))
    assert len(frame.points([(0, 0), (float("nan"), 1), (1, float("inf")), (1, 1)])) == 2
    assert list(frame.rule(float("nan"), "nowhere")) == []


def test_bars_of_nothing_are_no_error() -> None:
    assert bars([Bar("a", 0, "0")], "nothing").startswith("<svg")


def test_the_least_share_of_a_row_is_seen() -> None:
    drawn = heat_map([[9999, 1], [0, 5]], ["a", "b"], "true", "answer", "counts")
    shades = [
        float(each.get("fill-opacity", "1")) for each in ElementTree.fromstring(drawn) if each.get("class") == "miss"
    ]
    assert shades == [0.1]


def test_the_name_of_the_last_column_lies_within_the_picture() -> None:
    """It is turned, and leans to the right."""
    eye = [[int(row == column) for column in range(10)] for row in range(10)]
    widths = [_width(heat_map(eye, [*"abcdefghi", last], "true", "answer", "counts")) for last in ("j", "m" * 14)]
    assert widths[0] + 30 < widths[1]


def _width(drawn: str) -> float:
    return float(ElementTree.fromstring(drawn).attrib["viewBox"].split()[2])


def test_a_matrix_of_a_thousand_classes_is_bounded() -> None:
    counts = [[1] * 1000 for _ in range(1000)]
    names = [f"class {index}" for index in range(1000)]
    drawn = heat_map(counts, names, "true", "answer", "counts")
    assert drawn.count("<rect") == MOST**2 + 1


def test_a_thread_passes_by_an_axis_that_it_lacks() -> None:
    scale = Numbers(0, 1, BOTTOM, TOP)
    axes = [Upright(key, key, scale) for key in "abc"]
    drawn = parallel(axes, [Thread({"a": 0, "c": 1}, "best", ""), Thread({"b": 1}, "quiet", "")], "threads")
    lines = [each for each in ElementTree.fromstring(drawn) if each.get("class") in ("best", "quiet")]
    assert [len((line.get("points") or "").split()) for line in lines] == [2]  # the other has one value: no line
