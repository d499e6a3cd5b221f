"""Searches on tables of curves: the space of a table, what a proposal stands for, what is counted, and the medians."""

import math
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hpo.errors import SpaceError
from hpo.search.strategy.base import Setting
from hpo.search.strategy.curves import Curves
from hpo.search.strategy.proposers.build import build_proposer
from hpo.spaces.parameter import Choice, Float
from hpo.spaces.unit import to_unit
from optuna.samplers import RandomSampler

# at the end: nothing there is to stand before another module of its name
sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import search_entrants
import search_ours
import search_peers
from search_columns import columns_of
from search_counted import median_draws, random_search
from search_figure import draw
from search_made_up import made_up_tables
from search_peers import Verdict
from search_report import Report
from search_runs import Comparison, Done, Journal, do
from search_spaces import Pool, params_of, space_of, with_priors
from search_summary import geometric_mean, medians, ratio
from search_tables import CurveTable, load_table, load_tables
from search_trace import Meter, Step, Trace

ROWS = 120


def table_of(columns: Mapping[str, Any], losses: Any = None, name: str = "t") -> CurveTable:
    configs = np.stack([np.asarray(values, dtype=float) for values in columns.values()], axis=1)
    if losses is None:
        losses = np.linspace(1, 0, len(configs))[:, None] + np.zeros(3)
    return CurveTable(name, tuple(columns), configs, np.asarray(losses, dtype=float))


def conditional() -> CurveTable:
    random = np.random.default_rng(0)
    optimizer = random.integers(0, 3, ROWS)
    nesterov = np.where(optimizer == 2, random.integers(0, 2, ROWS), np.nan)
    return table_of(
        {
            "optimizer": optimizer,
            "optimizer.lr": 10 ** random.uniform(-4, 0, ROWS),
            "optimizer.momentum": np.where(optimizer != 1, random.uniform(0, 1, ROWS), np.nan),
            "optimizer.nesterov": nesterov,
            "optimizer.nesterov.from": np.where(nesterov == 1, random.uniform(0, 1, ROWS), np.nan),
            "mixup": np.where(random.random(ROWS) < 0.5, random.uniform(0, 1, ROWS), np.nan),
            "batch_size": random.choice([32, 64, 128], ROWS),
            "constant": np.full(ROWS, 3.0),
        }
    )


def test_a_column_is_on_the_scale_on_which_its_values_are_even() -> None:
    even = np.linspace(0, 1, ROWS)
    table = table_of({"a": 10 ** (5 * even - 5), "b": 3 * even - 1, "c": 1 - 10 ** (-4 * even), "d": even // 0.25})
    columns = {column.name: column for column in columns_of(table)}
    assert {name: column.scale for name, column in columns.items()} | {"d": ""} == {
        "a": "log", "b": "linear", "c": "complement", "d": ""
    }  # fmt: skip
    assert columns["d"].choices == (0, 1, 2, 3, 4)
    space = space_of(table).by_key
    low = 1e-4
    assert space["c"] == Float("c", pytest.approx(low), 1.0, log=True)  # type: ignore[arg-type]
    assert columns["c"].from_table(np.array([0.0])) == pytest.approx(columns["c"].from_space(1.0)) == 1.0


def test_inactive_parameters_are_dimensions_of_branches() -> None:
    space = space_of(conditional()).by_key
    assert "constant" not in space
    assert space["optimizer"] == Choice("optimizer", ("0", "1", "2"), branching=True)
    assert space["batch_size"] == Choice("batch_size", (32.0, 64.0, 128.0))
    conditions = {key: parameter.condition for key, parameter in space.items() if parameter.condition}
    assert conditions == {
        "optimizer.momentum@0": (("optimizer", "0"),),
        "optimizer.momentum@2": (("optimizer", "2"),),
        "optimizer.nesterov": (("optimizer", "2"),),
        "optimizer.nesterov.from": (("optimizer", "2"), ("optimizer.nesterov", "1")),
        "mixup": (("mixup.is_active", "yes"),),
    }
    assert list(space).index("optimizer.nesterov") < list(space).index("optimizer.nesterov.from")


def test_a_row_stands_for_itself_and_is_taken_once() -> None:
    table = conditional()
    pool = Pool(table)
    assert [pool.take(params_of(table, row)) for row in range(ROWS)] == list(range(ROWS))
    with pytest.raises(IndexError, match="each row"):
        pool.take(params_of(table, 0))


def test_the_nearest_row_on_the_scale_that_was_not_tried() -> None:
    pool = Pool(table_of({"a": [1e-4, 1e-2, 1.0] + [1e-4] * 30 + list(np.geomspace(1e-4, 1, 30))}))
    near = {"a": 2e-3}
    assert pool.take(near) != 1  # one of the even ones is nearer
    few = Pool(table_of({"a": np.geomspace(1e-4, 1, 20), "b": [0, 1] * 10}))
    taken = [few.take({"a": 1e-4, "b": 1.0}) for _ in range(9)]
    assert taken == list(range(1, 19, 2)), "another choice is as far as the whole range"


def test_the_rows_of_a_narrower_space_come_before_those_that_are_nearer() -> None:
    table = conditional()
    space, pool = space_of(table), Pool(table)
    narrow = {"optimizer": ("1", "2"), "batch_size": (32.0,)}
    ranges = {"optimizer.lr": (1e-2, 1.0), "optimizer.momentum@2": (0.5, 0.9)}
    parameters = [
        replace(each, choices=narrow.get(each.key, each.choices))
        if isinstance(each, Choice)
        else replace(each, **dict(zip(("low", "high"), ranges.get(each.key, (each.low, each.high)), strict=True)))
        for each in space.parameters
        if each.key != "mixup"  # fixed: any value will do
    ]
    pool.keep_to(replace(space, parameters=tuple(parameters)))
    optimizer, rate, momentum = (table.configs[:, table.names.index(f"optimizer{k}")] for k in ("", ".lr", ".momentum"))
    own = (optimizer != 0) & (rate >= 1e-2) & (table.configs[:, table.names.index("batch_size")] == 32)
    own &= (optimizer == 1) | ((momentum >= 0.5) & (momentum <= 0.9))
    assert 3 < own.sum() < ROWS / 4
    outside = params_of(table, int(np.flatnonzero(~own)[0]))
    taken = [pool.take(outside) for _ in range(ROWS)]
    assert set(taken[: own.sum()]) == {*np.flatnonzero(own)}
    assert taken[own.sum()] == np.flatnonzero(~own)[0], "once they are used up, the nearest of the others"


def test_what_only_one_of_two_has_is_as_far_as_can_be() -> None:
    random = np.random.default_rng(1)
    switch = np.repeat([0.0, 1.0], ROWS // 2)
    table = table_of({"s": switch, "s.x": np.where(switch == 1, random.uniform(0, 1, ROWS), np.nan)})
    pool = Pool(table)
    assert all(switch[pool.take({"s": "0"})] == 0 for _ in range(ROWS // 2))
    assert switch[pool.take({"s": "0"})] == 1


def test_regret_is_the_part_that_is_left_of_the_way_from_the_median() -> None:
    table = table_of({"a": range(5)}, [[9, loss] for loss in (4.0, 2.0, 3.0, math.inf, 8.0)])
    assert table.regrets.tolist() == [1.0, 0.0, 0.5, math.inf, 3.0]


def test_a_table_is_read_from_a_file(tmp_path: Path) -> None:
    losses = np.array([[9, 1, np.nan], [9, 3, 2]], dtype=np.float32)
    arrays = {"names": np.array(["a"]), "configs": np.zeros((2, 1))}
    np.savez(tmp_path / "b.npz", **arrays, valid_loss=losses)
    np.savez(tmp_path / "a.npz", **arrays, valid_loss=losses, valid_accuracy=losses / 10)
    assert [table.name for table in load_tables(tmp_path)] == ["a", "b"]
    assert load_table(tmp_path / "b.npz").losses.tolist() == [[1.0, math.inf], [3.0, 2.0]]
    assert load_table(tmp_path / "a.npz").losses[1] == pytest.approx([0.7, 0.8])
    with pytest.raises(SystemExit, match="no table of curves"):
        load_tables(tmp_path / "nowhere")


def test_only_the_last_epoch_of_a_trial_counts() -> None:
    meter = Meter(table_of({"a": range(3)}, [[0, 0, 1], [0, 0, 0], [1, 1, 2]]), cap=100)
    for row in (2, 0, 1):
        for epoch in (1, 2, 3):
            assert not meter.is_over
            meter.count(row, epoch, wall=meter.epochs / 2)
    assert meter.is_over
    assert [tuple(step) for step in meter.steps] == [(3, 1.0, 2.0), (6, 2.5, 1.0), (9, 4.0, 0.0)]
    assert meter.trace().reaches(0.1) == Step(9, 4.0, 0.0)
    assert meter.trace().regret_after(8) == 1.0


def traces(*epochs: float, regret: float = 0.0) -> list[Trace]:
    """Searches that get there after so many epochs; inf for never."""
    return [Trace([Step(int(each), each, regret)] if each < math.inf else [], 4000, 4000.0) for each in epochs]


def test_medians_and_means_say_where_they_are_only_bounds() -> None:
    inf = math.inf
    some = {"a": traces(100, 200, inf), "b": traces(800, 800, 800)}
    never = {"a": traces(100, inf, inf), "b": traces(800, 800, 800)}
    assert medians(some, 0.1) == {"a": 200, "b": 800}
    assert medians(never, 0.1) == {"a": inf, "b": 800}
    assert geometric_mean(some, 0.1, 4000).text().startswith("400 (")
    assert geometric_mean(never, 0.1, 3200).text().startswith(">1,600 (")
    twice = {"a": traces(400), "b": traces(1600)}
    assert ratio(some, twice, 4000).value == pytest.approx(2)
    assert ratio(some, never, 4000).bound == "at least"
    assert ratio(never, some, 4000).bound == "at most"
    assert ratio(never, never, 4000).bound == "unknown"


def test_the_interval_holds_the_value_and_narrows_with_seeds() -> None:
    random = np.random.default_rng(0)
    few, many = ({"a": traces(*random.integers(100, 1000, count).astype(float))} for count in (5, 200))
    wide, narrow = (geometric_mean(each, 0.1, 4000) for each in (few, many))
    assert wide.low <= wide.value <= wide.high
    assert narrow.high / narrow.low < wide.high / wide.low


def test_random_search_is_counted() -> None:
    assert [median_draws(rows, good) for rows, good in ((3, 1), (4, 1), (1000, 1), (10, 10))] == [2, 2, 500, 1]
    table = table_of({"a": range(4)}, [[0, each] for each in (0, 1, 2, 3)])
    assert random_search(table, 1).reaches(0.001) == Step(4, 4.0, 0.001)
    assert random_search(table, 3).reaches(0.001) == Step(5, 2.0, 0.001)


def test_random_search_comes_out_as_counted() -> None:
    rows = 40
    losses = np.random.default_rng(0).permutation(rows)[:, None] + np.zeros(1)
    table = table_of({"a": np.linspace(0, 1, rows)}, losses)
    peers = [search_peers.OptunaPeer(table, RandomSampler(seed)) for seed in range(30)]
    found = sorted(search_peers.search(peer, table, 1, 4000).reaches(0.1).epochs for peer in peers)
    assert found[7] <= random_search(table, 1).reaches(0.1).epochs <= found[22]


class Scripted:
    """Pauses the first trial after an epoch, and goes on with it at the end."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, int, float]] = []
        self._choices: list[Any] = [{"a": 0.0}, {"a": 1.0}, 0]

    def begin(self, number: int) -> Any:
        return self._choices.pop(0) if self._choices else None

    def report(self, number: int, epoch: int, loss: float) -> Verdict:
        self.heard.append((number, epoch, loss))
        return Verdict.PAUSE if (number, epoch) == (0, 1) else Verdict.GO

    def complete(self, number: int, epoch: int, loss: float) -> None:
        self.heard.append((number, epoch, loss))


def test_a_paused_trial_goes_on_from_where_it_stood() -> None:
    table = table_of({"a": np.linspace(0, 1, 30)}, np.arange(90).reshape(30, 3))
    peer = Scripted()
    trace = search_peers.search(peer, table, workers=1, cap=100)
    assert [each[:2] for each in peer.heard] == [(0, 1), (1, 1), (1, 2), (1, 3), (0, 2), (0, 3)]
    assert [each[2] for each in peer.heard] == [0, 87, 88, 89, 1, 2]
    assert (trace.epochs, trace.steps[-1]) == (6, Step(6, 6.0, 0.0))


class Random(Scripted):
    """What the random sampler of `hpo run` proposes."""

    def __init__(self, table: CurveTable, seed: int) -> None:
        super().__init__()
        self._proposer = build_proposer(
            Setting(space_of(table), None, None, seed, "minimize", 1, None, Curves("minimize")), "random"
        )
        self._rows = table.rows

    def begin(self, number: int) -> Any:
        return self._proposer.ask(number, {}, {}) if number < self._rows else None

    def report(self, number: int, epoch: int, loss: float) -> Verdict:
        return Verdict.GO


@pytest.mark.parametrize("workers", [1, 3])
def test_the_loop_counts_as_the_simulation_of_peers_does(workers: int) -> None:
    table = made_up_tables()[0]
    ours = search_ours.search(search_ours.Entrant.named("pruning+random+none"), table, 3, workers, 100)
    assert ours == search_peers.search(Random(table, 3), table, workers, 100)


@pytest.mark.parametrize(
    "name",
    [
        "rungs+random",
        "rungs+forest",
        "rungs+forest@near",
        "narrow_rungs+random",
        "learned_rungs+random",
        "one_epoch_then_best+random",
        "pruning+random+median",
    ],
)
@pytest.mark.parametrize("workers", [1, 3])
def test_the_ledger_comes_to_what_the_book_comes_to(name: str, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[tuple[int, int, float]] = []

    class Logging(Meter):
        def count(self, row: int, epoch: int, wall: float) -> None:
            counted.append((row, epoch, wall))
            super().count(row, epoch, wall)

    monkeypatch.setattr(search_ours, "Meter", Logging)
    random = np.random.default_rng(0)
    columns = {"a": random.uniform(0, 1, 20), "b": random.integers(0, 2, 20)}
    table = table_of(columns, random.normal(0, 1, (20, 6)).cumsum(axis=1))
    entrant = search_ours.Entrant.named(name)
    traces = [search_ours.search(entrant, table, 1, workers, 90, through_book=each) for each in (False, True)]
    half = len(counted) // 2
    assert counted[:half] == counted[half:]
    assert traces[0] == traces[1]
    assert traces[0].steps


def test_priors_are_the_values_of_a_good_or_of_a_bad_row() -> None:
    table = conditional()
    order = np.argsort(table.losses[:, -1], kind="stable")
    for kind, position in {"good": 0.02, "bad": 0.98}.items():
        params = params_of(table, int(order[int(position * table.rows)]))
        space = with_priors(table, kind)
        switch = {"mixup.is_active"}
        priors = {each.key: each.prior for each in space.active(params) if each.key not in switch}
        assert priors == pytest.approx({key: value for key, value in params.items() if key not in switch})
        assert not any(each.has_prior for each in space_of(table).parameters)


def test_priors_near_the_best_are_off_by_a_seventh_of_every_range() -> None:
    table = conditional()
    best = params_of(table, int(table.losses[:, -1].argmin()))
    space = with_priors(table, "near")
    ranges = [each for each in space.active(best) if isinstance(each, Float)]
    assert ranges
    for each in ranges:
        assert abs(to_unit(each, each.prior) - to_unit(each, best[each.key])) == pytest.approx(0.15)
    choices = [each for each in space.active(best) if isinstance(each, Choice) and each.has_prior]
    assert {each.key: each.prior for each in choices}.items() <= best.items()


def test_priors_move_a_search_and_one_of_another_name_is_refused() -> None:
    table = made_up_tables()[0]
    plain, good = (search_ours.search(search_ours.Entrant.named(n), table, 0, 1, 150) for n in ("rungs", "rungs@good"))
    assert plain.steps != good.steps
    with pytest.raises(SystemExit, match="a prior is one of near, good, bad"):
        search_ours.Entrant.named("rungs@best")
    with pytest.raises(SystemExit, match=r"STRATEGY\+SAMPLER\+PRUNER at most"):
        search_ours.Entrant.named("pruning+tpe+median+none")


def test_a_grid_over_a_space_without_an_end_ends_the_search() -> None:
    """Its two points stand for the rows at the ends, and neither is the best."""
    rows = np.linspace(0, 1, 20)
    table = table_of({"a": rows}, np.abs(rows - 0.5)[:, None] + np.zeros(6))
    grid = search_ours.Entrant.named("pruning+grid:2+none")
    assert search_ours.search(grid, table, 0, 1, 90).epochs == 2 * table.epochs


class Forgetful(search_ours.Ledger):
    """Numbers trials from 1, so that others are drawn."""

    def _begin(self, number: int) -> Any:
        return super()._begin(number + 1)


def test_a_ledger_that_differs_from_the_book_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    setting = "pruning+random+none", made_up_tables()[0], 0, 1, 60
    search_entrants.check_ledger(*setting)
    monkeypatch.setattr(search_ours, "Ledger", Forgetful)
    with pytest.raises(SystemExit, match="the book finds something else"):
        search_entrants.check_ledger(*setting)


def test_the_figure_names_every_entrant_and_is_small(tmp_path: Path) -> None:
    comparison = Comparison(["random", "optuna_tpe"], made_up_tables()[:1], 2, [1], 60)
    journal = Journal(tmp_path / "x.jsonl")
    for part in comparison.parts():
        do(part, journal, 1)
    draw(comparison, journal, tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    assert all(name in text for name in ("random", "optuna_tpe", comparison.tables[0].name))
    assert len(text) < 30_000


def test_optuna_stops_trials_by_its_pruner() -> None:
    table = next(table for table in made_up_tables() if table.name == "made_up_easy")
    peer = search_peers.PEERS["optuna_tpe_median"](table, 0)
    assert isinstance(peer, search_peers.OptunaPeer)
    search_peers.search(peer, table, 2, 600)
    assert {trial.state.name for trial in peer.trials} >= {"COMPLETE", "PRUNED"}


def test_runs_are_done_once_and_a_line_that_was_cut_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "x.runs.jsonl"
    comparison = Comparison(["random", "optuna_tpe"], made_up_tables()[:1], 2, [1], 40)
    (runs, *_) = parts = list(comparison.parts())
    assert [len(part) for part in parts] == [2, 2]
    assert [do(part, Journal(path), 1) for part in (runs, runs)] == [2, 0]
    whole = path.read_text()
    path.write_text(whole[:-5])
    assert do(runs, Journal(path), 1) == 1
    assert len(path.read_text().splitlines()) == 2
    assert Journal(path).get(runs[0].key) == Done(random_search(runs[0].table, 1), pytest.approx(0, abs=0.1))


@pytest.mark.slow
def test_several_processes_find_what_one_does(tmp_path: Path) -> None:
    comparison = Comparison(["optuna_tpe"], made_up_tables()[:1], 3, [2], 60)
    (runs,) = comparison.parts()
    one, two = Journal(tmp_path / "one"), Journal(tmp_path / "two")
    assert [do(runs, one, 1), do(runs, two, 2)] == [3, 3]
    found = [[each.trace for each in comparison.done(j, "optuna_tpe", 2)["made_up_late_bloomers"]] for j in (one, two)]
    assert found[0] == found[1]


def test_the_json_has_the_median_of_each_table(tmp_path: Path) -> None:
    comparison = Comparison(["random", "optuna_tpe_median"], made_up_tables()[:2], 2, [1, 4], 60)
    journal = Journal(tmp_path / "x.jsonl")
    for part in comparison.parts():
        do(part, journal, 1)
    known = Report(comparison, journal)
    result: Any = known.to_json()
    names = [table.name for table in comparison.tables]
    assert list(result["epochs_to_regret"]) == ["0.1", "0.03", "0.01", "0.001"]
    assert list(result["wall_time_to_regret"]["0.01"]["4"]["random"]) == names
    of_random = result["epochs_to_regret"]["0.01"]["1"]["random"]
    assert of_random[names[0]] == random_search(comparison.tables[0], 1).reaches(0.01).epochs
    headline = result["headline"]["1"]
    assert headline["optuna_tpe_median"]["tables"][names[1]]["ratio"] == 1.0
    assert headline["random"]["epochs"]["is"] == "at least"
    assert len(known.rows()) == 4


def test_what_decides_a_run_is_code_and_not_its_comments(tmp_path: Path) -> None:
    with_words, without = tmp_path / "a.py", tmp_path / "b.py"
    with_words.write_text('"""Why."""\n\n\ndef f() -> int:\n    """What."""\n    return 1  # so\n')
    without.write_text("def f() -> int:\n    return 1\n")
    dump = search_entrants.ast.dump
    assert dump(search_entrants.bare(with_words)) == dump(search_entrants.bare(without))
    assert search_entrants.what_decides("pruning+tpe") != search_entrants.what_decides("pruning+random")
    assert all(map(search_entrants.what_decides, search_entrants.known()))
    with pytest.raises(SpaceError, match="strategy"):
        search_entrants.check(["random", "prunning+tpe"])


def test_made_up_curves_are_the_same_every_time_and_mislead() -> None:
    tables = {table.name.removeprefix("made_up_"): table for table in made_up_tables()}
    assert [table.digest for table in tables.values()] == [table.digest for table in made_up_tables()]

    def agreement(name: str, epoch: int) -> float:
        losses = tables[name].losses
        good = np.argsort(losses[:, -1])[: ROWS // 4]
        return float(np.mean(losses[good, epoch] < np.median(losses[:, epoch])))

    assert agreement("easy", 0) == 1.0
    assert all(agreement(name, 0) < 0.3 for name in ("late_bloomers", "crossing"))
    assert 0.3 < agreement("noise", 0) < 0.8
    assert set(tables["plateaus"].losses[:, 0]) == {1.0, math.inf}
    assert all(np.isfinite(table.losses[:, -1]).mean() > 0.8 for table in tables.values())
