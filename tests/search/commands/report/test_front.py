"""The Pareto front in a report: a line along what no other trial dominates, the knee, and what is behind."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import optuna
import pytest
from hpo.search.commands.report.report import study_page
from hpo.studies import attributes
from hpo.studies.home import Home
from optuna.trial import create_trial

Values = Sequence[float]


def page(home: Path, directions: Sequence[str], trials: Sequence[Values]) -> str:
    study = optuna.create_study(study_name="s", directions=directions)
    metrics = [f"m{number}" for number in range(len(directions))]
    study.set_user_attr(attributes.OBJECTIVE_METRIC, metrics[0])
    study.set_user_attr(attributes.OBJECTIVES, json.dumps(list(zip(metrics, directions, strict=True))))
    notes = {attributes.CONFIG: json.dumps({"budget": {"epochs": 8}})}  # without it they are of another program
    study.add_trials([create_trial(values=list(values), user_attrs=notes) for values in trials])
    names, text = study_page(study._storage, "s", Home(home))
    assert "front" in names
    return text.split("The front</h2>")[1].split("</section>")[0]


def stairs(text: str) -> list[tuple[float, float]]:
    """The corners of the line along the front, to the right and up."""
    (points,) = re.findall(r'<polyline class="best" points="([^"]+)">', text)
    return [(float(x), -float(y)) for x, y in (pair.split(",") for pair in points.split())]


def dots(text: str) -> dict[int, tuple[str, float, float, float]]:
    """The dots by trial: class, to the right, up, radius."""
    found = re.findall(r'<circle class="(\w+)" cx="([\d.]+)" cy="([\d.]+)" r="([\d.]+)"><title>trial (\d+):', text)
    return {int(trial): (kind, float(x), -float(y), float(radius)) for kind, x, y, radius, trial in found}


@pytest.mark.parametrize("first", ["maximize", "minimize"])
@pytest.mark.parametrize("second", ["maximize", "minimize"])
def test_the_line_has_all_others_behind_it(tmp_path: Path, first: str, second: str) -> None:
    up, across = (1 if direction == "maximize" else -1 for direction in (first, second))
    trials = [(up * a, across * b) for a, b in ((1, 9), (5, 8), (8, 4), (9, 1), (4, 4), (7, 1), (1, 8))]
    text = page(tmp_path, [first, second], trials)
    drawn, corners = dots(text), stairs(text)
    assert [kind for _, (kind, *_) in sorted(drawn.items())] == ["best"] * 4 + ["usual"] * 3
    assert corners[::2] == [pytest.approx(drawn[trial][1:3], abs=0.1) for trial in (0, 1, 2, 3)]
    for (x, y), (after_x, after_y), (corner_x, corner_y) in zip(
        corners[:-2:2], corners[2::2], corners[1::2], strict=True
    ):
        assert (corner_x, corner_y) == (after_x, y), "as far as the next one, the first is the best"
        assert (after_x - x) * across < 0
        assert (after_y - y) * up > 0
    radius = {trial: size for trial, (*_, size) in drawn.items()}
    assert len([trial for trial, size in radius.items() if size == max(radius.values())]) == 1, "the knee"


def test_three_objectives_have_two_charts_and_no_line(tmp_path: Path) -> None:
    text = page(tmp_path, ["maximize", "minimize", "minimize"], [(0.9, 3.0, 1.0), (0.8, 1.0, 2.0), (0.7, 2.0, 3.0)])
    assert text.count("<svg") == 2
    assert '<polyline class="best"' not in text
    assert all(f">{name}</text>" in text for name in ("m0", "m1", "m2"))
