"""The README: one page, a space that loads, and no figure that the benchmarks do not have."""

import re
from pathlib import Path

import pytest
from hpo.spaces.load import load_space
from hpo.training.config import TrialConfig

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BENCHMARKS = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")

FIGURES = {  # what the README says: where docs/benchmarks.md says it
    "after 6 % of its time": "own recipe: time to the peer's final accuracy / its whole time, median: 0.0557 ",
    "1.00 of its images per second": "| simple_cnn | bare                  | 2,424 (1,952-2,606) | 1.00 ",
    "6 % of a training step": "classic set, share of a SimpleCNN step: 0.0626 ",
    "0.73 ms an epoch": "| report | waiting, MLflow on a file                 | 0.73 ",
    "1.74 times the images per second": "images/s of the study, two workers / one: 1.74 ",
    "`hpo show` in 0.26 s": "hpo show, s: 0.263 ",
    "29 swaps, 0 requests dropped": "requests dropped in 29 swaps: 0 ",
    "1,000,000 hostile requests, 0 faults": "faults of ours (500): 0 ",
    "within 7 % of it": "Fashion-MNIST: false alarms off the set rate, share: 0.066 ",
    "all of 24 shifts found": "Fashion-MNIST: share of shifts found within 500 predictions: 1 ",
    "after 31 s (median of three searches) | 484 s": "| 0    | 471 s to 88.50% | own recipe        | 31 s ",
    "after 38 s (median of three searches) | 399 s": "| 2    | 312 s to 88.80% | own recipe        | 38 s ",
    "0.73 ms | 27.91 ms": "stock Optuna and MLflow          | 27.91 ",
    "2,278 and 521 images/s | 955 and 369": "| recipe                | 402 (342-421)       | 1.35 (1.25-1.55) | 369 ",
    "10.4 ms a batch | 169 to 255 ms": "| classic: crop, flip, rotation, jitter        | 10.4 ",
    "1,268 answers/s | 395": "| FastAPI and ONNX Runtime                    | 64 clients | 395 ",
    "1,268 answers/s | 313": "| mlflow models serve                         | 64 clients | 313 ",
    "0.41 of what the script takes": "ours, slow epochs / stock: 0.406 ",
    "after 61 % fewer epochs": "| all, geometric mean    | rungs+forest               |       |       |       | 61 % ",
    "keeps 0.34 to 0.60 of its peak": "answered/s by the peak's (at most 0.83 can be): 0.343 ",
}


def test_it_is_one_page() -> None:
    assert len(README.splitlines()) <= 110


def test_its_space_loads(tmp_path: Path) -> None:
    (space,) = re.findall(r"^```yaml\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    (tmp_path / "mine.yaml").write_text(space)
    assert len(load_space(str(tmp_path / "mine.yaml"), TrialConfig).parameters) == 5


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_stands_in_the_benchmarks(figure: str) -> None:
    assert figure in README
    assert FIGURES[figure] in BENCHMARKS


def test_every_measured_row_is_one_of_them() -> None:
    tables = README.split("## What you get")[1].split("Where it falls short")[0]
    rows = [row for row in re.findall(r"^\|(.*)\|$", tables, re.MULTILINE) if re.search(r"\d", row.rpartition("|")[2])]
    assert len(rows) == 17
    for row in rows:
        assert any(figure in row for figure in FIGURES), row


def test_its_commands_are_commands_of_hpo() -> None:
    import typer
    from hpo.search.cli.app import app

    commands = typer.main.get_command(app).commands
    assert {name for name in re.findall(r"\bhpo ([a-z][a-z-]+)", README) if name != "on"} <= set(commands)
