"""`hpo plan`: what a search will take, and what is unwise about it."""

from typing import TYPE_CHECKING

from ...common.plural import plural
from ..commands.run.options import RunOptions
from .common import JsonOption, command, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from ..commands.plan.forecast import Spread
    from ..commands.plan.result import Plan, Prospect, Room
    from ..commands.plan.timed import Timed


@command
def plan(options: RunOptions, json: JsonOption = False) -> None:
    """Say what a search will take before it is run, and what is unwise about it.

    It takes the flags of hpo run, times some configurations for a minute or two, and begins no study.
    """
    from ..commands.plan.plan import PlanWatcher
    from ..commands.plan.plan import plan as foresee
    from .watch import watcher

    view = watcher(json)
    made = foresee(options, PlanWatcher(view.stage, view.note))
    print_json(made.to_json()) if json else _show(made)


def _show(made: "Plan") -> None:
    from .tables import stdout

    console = stdout()
    console.print(_headline(made))
    console.print(_table(made))
    for line in (*_lines(made), *(f"-> {text}" for text in made.warnings)):
        console.print(line)


def _headline(made: "Plan") -> str:
    total = "" if made.trials is None else f", to {plural(made.trials, 'trial')}"
    done = f", {made.done:,} of them done" if made.done else ""
    size = "a continuum of" if made.configurations is None else f"{made.configurations:,}"
    return f"study {made.study}: {size} configurations{total}{done}"


def _table(made: "Plan") -> "Table":
    from ..progress.format import duration
    from .tables import table

    view = table("", *(plural(prospect.forecast.workers, "worker") for prospect in made.prospects))
    for title, cells in (
        ("strategy", [prospect.settings.strategy for prospect in made.prospects]),
        ("trials", [_count(prospect.forecast.trials) for prospect in made.prospects]),
        ("epochs", [_count(prospect.forecast.epochs) for prospect in made.prospects]),
        ("in all", [_whole(prospect) for prospect in made.prospects]),
        ("until the first trial", [duration(prospect.setup_s) for prospect in made.prospects]),
        ("making ready, each time", [duration(prospect.measured.start_s) for prospect in made.prospects]),
        ("an epoch, median", [_epoch(prospect.measured.median) for prospect in made.prospects]),
        ("an epoch, largest", [_epoch(prospect.measured.largest) for prospect in made.prospects]),
    ):
        view.add_row(title, *cells)
    return view


def _count(spread: "Spread") -> str:
    usual = f"{spread.median:,.0f}"
    return usual if spread.low == spread.high else f"{usual} ({spread.low:,.0f} to {spread.high:,.0f})"


def _whole(prospect: "Prospect") -> str:
    from ..progress.format import duration

    seconds, setup_s = prospect.forecast.seconds, prospect.setup_s
    low, high = duration(setup_s + seconds.low), duration(setup_s + seconds.high)
    usual = duration(prospect.total_s)
    return usual if low == high else f"{usual} ({low} to {high})"


def _epoch(timed: "Timed") -> str:
    from ..progress.format import duration

    seconds = timed.timing.epoch_s
    if timed.timing.failure:
        return "failed"
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else duration(seconds)


def _lines(made: "Plan") -> list[str]:
    measured = made.asked.measured
    validation, test = made.validation, made.test
    return [
        *filter(None, [made.asked.settings.picked and f"strategy picked by auto: {made.asked.settings.picked}"]),
        f"median: {_configuration(measured.median)}",
        f"largest: {_configuration(measured.largest)}",
        f"an epoch that was timed differs from what is foretold of it by {measured.model.error:.0%} in the mean",
        *_card(measured.largest),
        f"memory: {_room(made.memory)}",
        f"disk: checkpoints, {_room(made.disk)}",
        f"validation: {validation.images:,} images tell configurations apart that differ by "
        f"{100 * validation.accuracy:.1f} points of accuracy (near 90 %)",
        f"test: {test.images:,} images, the 95 % interval of an accuracy of 90 % will be {100 * test.accuracy:.1f} "
        "points wide",
    ]


def _configuration(timed: "Timed") -> str:
    work = timed.work
    batches = f"{work.steps:,} batches of {work.config.data.batch_size} an epoch"
    if work.cost is None:
        return f"{work.config.model.name}, {batches}"
    parameters, operations = work.cost.parameters / 1e6, work.cost.flops / 1e6
    size = f"{parameters:,.2f} M parameters, {operations:,.1f} million operations an image"
    return f"{work.config.model.name}, {size}, {batches}"


def _card(timed: "Timed") -> list[str]:
    from ..progress.format import disk_size

    card = timed.timing.card_bytes
    return [] if card is None else [f"card: the largest configuration takes {disk_size(card)}"]


def _room(room: "Room") -> str:
    from ..progress.format import disk_size

    needed = "no bound is known" if room.needed is None else f"{disk_size(room.needed)} at most"
    return f"{needed}, {disk_size(room.free)} free"
