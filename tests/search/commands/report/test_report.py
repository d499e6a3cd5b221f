"""A study as one page: what there is of it is told, and nothing it says is anything but text."""

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import optuna
import pytest
from hpo.errors import SpaceError, StudyError
from hpo.search.commands.report.options import ReportOptions
from hpo.search.commands.report.report import Report, report, study_page
from hpo.search.commands.report.sections import trials as trials_section
from hpo.search.commands.report.sections.registry import SECTIONS
from hpo.studies import attributes
from hpo.studies.home import Home
from hpo.studies.store.storage import open_storage
from hpo.training.export.manifest import ExportManifest
from hpo.training.export.race import Race, RaceEntry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

ATTACK = "<script>alert(1)</script>\" onload='x' \x1b[2J\u202e"
OF_ALL = {
    "result",
    "trials",
    "question",
    "history",
    "curves",
    "slices",
    "coordinates",
    "pruning",
    "cost",
    "data",
    "winner",
    "reproduce",
}


class Elements(HTMLParser):
    """The names of the elements and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names |= {tag, *(name for name, _ in attrs)}

    def handle_data(self, data: str) -> None:
        self.text += data


def trial(value: float | None = None, state: str = "COMPLETE", **facts: Any) -> FrozenTrial:
    return create_trial(state=TrialState[state], value=value, **facts)


def write(home: Path, study: str | None = None, **options: Any) -> tuple[Report, str]:
    written = report(ReportOptions(study, home=home, **options))
    return written, written.path.read_text(encoding="utf-8")


def made(*trials: FrozenTrial, name: str = "s", **how: Any) -> optuna.Study:
    """A study of another program, in memory."""
    study = optuna.create_study(study_name=name, **how)
    study.add_trials(trials)
    return study


def shown(study: optuna.Study, home: Path) -> tuple[tuple[str, ...], str]:
    """The names of a study's sections, and its page; `home` has nothing of it."""
    return study_page(study._storage, study.study_name, Home(home))


def test_a_whole_study_is_told_whole(searched: Path) -> None:
    written, page = write(searched, "deep")
    assert written.path == searched / "deep" / "report.html"
    assert set(written.sections) - {"edges", "failures", "importance"} == OF_ALL
    manifest = json.loads((searched / "deep" / "export" / "manifest.json").read_text())
    text = Elements(page).text
    for words in (
        "hpo run --space simple_cnn",
        f"{manifest['metrics']['test_accuracy']:.4f}",
        "maximize val_accuracy of the last epoch",
        "simple_cnn",
        "width: 4",  # the space file
        "optimizer.lr",
        "The test images were looked at 2 times",
        "test images were answered wrong",
        "180 test images of digits, look 2",
        "hpo replay deep/",
        f"hpo retrain-best deep --trial {manifest['trial']}\n",
        f"torch {manifest['versions']['torch']}",
        "300 train, 180 val, 180 test",
        "standard error of",
    ):
        assert words in text, words
    assert page.count("<svg") >= 7


def test_its_sections_stand_in_their_places(searched: Path) -> None:
    written, page = write(searched, "deep")
    assert re.findall(r'<section id="([a-z]+)">', page) == list(written.sections)
    assert re.findall(r'href="#([a-z]+)"', page) == list(written.sections)
    assert written.sections[:3] == ("result", "trials", "question")
    assert written.sections[-1] == "reproduce"
    assert {SECTIONS.find(name).place for name in SECTIONS} >= {0, 60}


def test_it_needs_no_network_no_script_and_no_file(searched: Path) -> None:
    _, page = write(searched, "deep")
    elements = Elements(page)
    assert not {"script", "link", "iframe", "object", "base", "form"} & elements.names
    assert all(uri.startswith(("#", "data:image/png")) for uri in re.findall(r'(?:href|src)="([^"]*)"', page))
    assert not re.search(r"url\(|@import|https?:", page)


def test_the_page_goes_where_it_is_told_and_is_of_the_newest_study(searched: Path, tmp_path: Path) -> None:
    written, page = write(searched, out=tmp_path / "new" / "page.html")
    assert written.path == tmp_path / "new" / "page.html"
    assert written.study == "wide"
    assert "<title>Study wide</title>" in page


def test_without_its_home_it_has_what_the_store_has(searched: Path, tmp_path: Path) -> None:
    shutil.copy(searched / "studies.db", tmp_path)
    written, page = write(tmp_path, "deep")
    assert {"question", "history", "slices"} <= set(written.sections)
    assert not {"winner", "data"} & set(written.sections)
    assert "The winner has not been retrained and tested" in page


def test_it_imports_neither_torch_nor_mlflow(searched: Path, tmp_path: Path) -> None:
    command = (
        "import sys; from hpo.search.commands.report.report import report, ReportOptions; from pathlib import Path\n"
        "report(ReportOptions('deep', home=Path(sys.argv[1]), out=Path(sys.argv[2])))\n"
        "print({'torch', 'mlflow', 'matplotlib', 'sklearn', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", command, str(searched), str(tmp_path / "page.html")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    ("trials", "words"),
    [
        ([], "The study has no trials yet."),
        ([trial(state="RUNNING"), trial(state="WAITING")], "No trial has come to its end with a value."),
        ([trial(state="FAIL")] * 3, "No trial has come to its end with a value."),
        ([trial(0.5)], "0.5000"),
        ([trial(float("inf")), trial(0.5), trial(0.25)], "0.5000"),
        ([trial(0.5, "PRUNED", intermediate_values={1: 0.5, 2: float("nan")})], "No trial has come to its end"),
    ],
)
def test_a_study_in_any_state_has_a_page(tmp_path: Path, trials: list[FrozenTrial], words: str) -> None:
    sections, page = shown(made(*trials), tmp_path)
    assert sections[0] == "result"
    assert words in page


def test_a_study_of_several_objectives_has_a_page(tmp_path: Path) -> None:
    both = [create_trial(state=TrialState.COMPLETE, values=[0.5 + index / 10, 3.0]) for index in range(5)]
    _, page = shown(made(*both, directions=["maximize", "minimize"]), tmp_path)
    assert "0.9000" in page


def test_a_study_that_another_program_named_needs_a_place(tmp_path: Path) -> None:
    optuna.create_study(study_name="../x/y", storage=open_storage(Home(tmp_path).storage_url))
    with pytest.raises(SpaceError, match=r"--out must say where the page goes: study \.\./x/y has a name"):
        write(tmp_path)
    assert "Study ../x/y" in write(tmp_path, out=tmp_path / "page.html")[1]


def test_no_such_study_is_told_with_the_nearest(searched: Path) -> None:
    with pytest.raises(StudyError, match="no study is called 'dep'; did you mean deep"):
        write(searched, "dep")


def test_a_place_that_cannot_be_written_is_told(searched: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StudyError, match="cannot be written"):
        write(searched, "deep", out=tmp_path / "file" / "page.html")


def hostile(text: str) -> list[FrozenTrial]:
    choice = CategoricalDistribution((text, "b"))
    facts = [
        {
            "params": {text: text if index % 2 else "b", "x": index + 1.0},
            "distributions": {text: choice, "x": FloatDistribution(0, 99)},
        }
        for index in range(8)
    ]
    notes = {attributes.VERDICT: {"kind": text, "evidence": text, "advice": text}}
    failed = {attributes.ERROR: text, attributes.MESSAGE: text, **notes}
    curve = {1: 0.1, 2: 0.2}
    return [
        *(trial(0.1 * index, intermediate_values=curve, user_attrs=notes, **fact) for index, fact in enumerate(facts)),
        *(trial(state="FAIL", user_attrs=failed, intermediate_values=curve, **fact) for fact in facts),
        *(trial(0.5, "PRUNED", user_attrs=notes, intermediate_values=curve, **fact) for fact in facts),
    ]


def attributed(study: optuna.Study, text: str) -> None:
    space = {
        "parameters": {
            text: {"type": "choice", "choices": [text, "b"], "when": [[text, text]]},
            "x": {"type": "float"},
        },
        "fixed": {"data.source": {"value": text}},
    }
    study.set_user_attr(attributes.SPACE, json.dumps(space))
    for name in (attributes.COMMAND, attributes.OBJECTIVE_METRIC, attributes.OBJECTIVE_AT, attributes.CREATED):
        study.set_user_attr(name, text)
    study.set_user_attr(attributes.VERSIONS, {text: text})


def test_hostile_names_are_text(tmp_path: Path) -> None:
    study = made(*hostile(ATTACK), name=ATTACK, direction="maximize")
    attributed(study, ATTACK)
    sections, page = shown(study, tmp_path)
    assert {"question", "slices", "coordinates", "failures", "pruning", "reproduce"} <= set(sections)
    elements = Elements(page)
    assert not {"script", "onload"} & elements.names
    assert not {"\x1b", "\u202e"} & set(page)
    assert "<script>alert(1)</script>" in elements.text


@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_name_becomes_an_element(tmp_path: Path, text: str) -> None:
    names = []
    for name in ("plain", f"<video {text}"):
        study = made(*hostile(name), name=name)
        attributed(study, name)
        names.append(Elements(shown(study, tmp_path)[1]).names)
    assert names[0] == names[1]


def test_thousands_of_trials_are_a_small_page(tmp_path: Path) -> None:
    distributions = dict.fromkeys([f"p{index}" for index in range(4)], FloatDistribution(0, 1))
    study = made(direction="maximize")
    for index in range(3000):
        params = dict.fromkeys(distributions, index % 89 / 89)
        curve = dict.fromkeys(range(1, 4), index % 97 / 97)
        study.add_trial(trial(index % 97 / 97, params=params, distributions=distributions, intermediate_values=curve))
    _, page = shown(study, tmp_path)
    assert len(page) < 400_000
    assert re.search(r"\d+ of 3,000 trials are drawn", page)


def test_many_parameters_are_cut_and_it_is_said(tmp_path: Path) -> None:
    names = [f"key{index}" for index in range(40)]
    distributions = dict.fromkeys(names, FloatDistribution(0, 1))
    _, page = shown(
        made(
            *(trial(0.1 * row, params=dict.fromkeys(names, 0.1 * row), distributions=distributions) for row in range(6))
        ),
        tmp_path,
    )
    assert "And 16 more parameters." in page
    assert "9 of 40 parameters are drawn" in page


def test_a_program_that_counts_epochs_from_0_has_its_stops_counted(tmp_path: Path) -> None:
    sections, page = shown(made(*[trial(0.5, "PRUNED", intermediate_values={0: 0.5})] * 3), tmp_path)
    assert "pruning" in sections
    assert "<title>epoch 0: 3</title>" in page


def test_a_long_budget_has_few_bars(tmp_path: Path) -> None:
    stopped = [trial(0.5, "PRUNED", intermediate_values={epoch: 0.5}) for epoch in range(1, 1000, 7)]
    _, page = shown(made(*stopped), tmp_path)
    bars = re.findall(r"<title>epochs (\d+) to (\d+): (\d+)</title>", page)
    assert len(bars) <= 30
    assert sum(int(count) for _, _, count in bars) == len(stopped)


def test_the_best_come_first(tmp_path: Path) -> None:
    _, page = shown(made(*(trial(index / 50) for index in range(50)), direction="minimize"), tmp_path)
    table = page.partition('<section id="trials">')[2].partition("</section>")[0]
    assert re.findall(r'<td class="number">(\d+)</td><td', table)[:3] == ["0", "1", "2"]
    assert f"The best {trials_section.MOST} of 50" in table


def test_what_decided_has_bars_with_intervals(tmp_path: Path) -> None:
    space = {"parameters": {name: {"type": "float", "low": 0.0, "high": 1.0, "log": False} for name in ("x", "y")}}
    distributions = dict.fromkeys(("x", "y"), FloatDistribution(0, 1))
    params = [{"x": index % 41 / 41, "y": index * 7 % 43 / 43} for index in range(41)]
    study = made(*(trial(each["x"], params=each, distributions=distributions) for each in params), direction="maximize")
    study.set_user_attr(attributes.SPACE, json.dumps({**space, "fixed": {}}))
    sections, page = shown(study, tmp_path)
    assert "importance" in sections
    part = page.partition('<section id="importance">')[2].partition("</section>")[0]
    assert part.count('class="interval"') == 2
    assert re.search(r"<td>x</td><td class=\"number\">41</td><td>0\.7\d+ to 0\.9\d+</td>", part)


def test_a_race_of_the_winner_is_told(searched: Path, tmp_path: Path) -> None:
    home = tmp_path / "runs"
    shutil.copytree(searched, home)
    folder = home / "deep" / "export"
    manifest = ExportManifest.read(folder)
    assert manifest.selection is not None
    facts = {"selected": 0.5, "values": (0.4, 0.41), "mean": 0.405, "interval": (0.39, 0.42), "optimism": 0.095}
    entries = (
        RaceEntry(trial=2, outcome="won", **facts),
        RaceEntry(trial=1, outcome="failed", failure=ATTACK, **facts),
    )
    race = Race(seeds=2, validation="drawn anew", stop_below=0.05, entries=entries)
    selection = manifest.selection.model_copy(update={"race": race})
    manifest.model_copy(update={"selection": selection}).write(folder)
    written, page = write(home, "deep")
    assert "race" in written.sections
    assert "hpo retrain-best deep --candidates 2 --seeds 2\n" in page
    assert {"+0.0950", "0.4050", "0.3900 to 0.4200"} <= set(re.findall(r"<td[^>]*>([^<]*)</td>", page))
    assert "<script" not in page


@pytest.mark.parametrize("damage", ["{", "[]", '{"files": {}}'])
def test_an_export_that_cannot_be_read_is_told(searched: Path, tmp_path: Path, damage: str) -> None:
    home = tmp_path / "runs"
    shutil.copytree(searched, home)
    (home / "deep" / "export" / "manifest.json").write_text(damage)
    written, page = write(home, "deep")
    assert "winner" not in written.sections
    assert "The export of the winner cannot be read" in page


def test_what_lies_in_a_home_of_others_is_bounded_and_checked(searched: Path, tmp_path: Path) -> None:
    home = tmp_path / "runs"
    shutil.copytree(searched, home)
    folder = home / "deep"
    (folder / "export" / "predictions.npz").write_bytes(b"PK torn")
    (folder / "export" / "evaluation" / "test" / "evaluation.json").write_text("[]")
    (folder / "study.json").write_text("[1]")
    (folder / "space.yaml").write_text("key: value\n" * 1000)
    (folder / "test_openings.jsonl").write_text("nonsense\n[1]\n")
    written, page = write(home, "deep")
    assert "winner" in written.sections
    assert "is not the file that manifest.json describes" in page
    assert "and 700 more lines" in page
    assert "were looked at" not in page
