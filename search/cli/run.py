"""`hpo run`: search."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from . import complete
from .common import (
    INTERRUPTED,
    DataRootOption,
    HomeOption,
    JsonOption,
    SetOption,
    SkipExportOption,
    StorageOption,
    StrictOption,
    StudyOption,
    TrackingOption,
    TrackOption,
    command,
    one_study,
    print_json,
    say,
    tell,
)

if TYPE_CHECKING:
    from ..commands.run.run import RunResult

WORK_FAILED = 1


@command
def run(
    space: Annotated[
        str,
        typer.Option(
            "--space", "-s", help="A space file, or the name of a bundled space.", autocompletion=complete.spaces
        ),
    ],
    trials: Annotated[int, typer.Option("--trials", "-n", help="How many trials the study should reach in all.")],
    study: Annotated[
        str | None, typer.Argument(metavar="[STUDY]", help="The study's name. Default: the space's.")
    ] = None,
    study_: StudyOption = None,
    data: Annotated[str | None, typer.Option(help="A data set by name, or a folder of class folders.")] = None,
    data_root: DataRootOption = None,
    set_: SetOption = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of each trial; short for --set budget.epochs=N.")] = None,
    workers: Annotated[str, typer.Option(help="How many trials run at once, or auto: one a GPU or core.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, or cuda:0,1.")] = "auto",
    timeout: Annotated[str | None, typer.Option(help="Stop after this long, such as 2h or 30m.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the sampler and of every trial.")] = None,
    sampler: Annotated[str, typer.Option(help="tpe, random or qmc.")] = "tpe",
    pruner: Annotated[str, typer.Option(help="median, asha, hyperband or none.")] = "median",
    storage: StorageOption = None,
    track: TrackOption = None,
    tracking_uri: TrackingOption = None,
    home: HomeOption = None,
    executor: Annotated[str, typer.Option(help="process, or inline: one trial at a time in this process.")] = "process",
    accept_space_change: Annotated[
        bool, typer.Option("--accept-space-change", help="Go on with a study whose space was different.")
    ] = False,
    skip_export_check: SkipExportOption = False,
    strict: StrictOption = False,
    json: JsonOption = False,
) -> None:
    """Search for the best configuration of a space.

    Run it again to continue the study: --trials is the total it should reach.
    """
    from ...studies.tracking.trackers import DEFAULT
    from ..commands.run.options import RunOptions, parse_duration, parse_executor, parse_workers
    from ..commands.run.run import run as search
    from .watch import watcher

    options = RunOptions(
        space=space,
        trials=trials,
        study=one_study(study, study_),
        data=data,
        data_root=data_root,
        overrides=tuple(set_ or ()),
        epochs=epochs,
        workers=parse_workers(workers),
        device=device,
        timeout_s=None if timeout is None else parse_duration(timeout),
        seed=seed,
        sampler=sampler,
        pruner=pruner,
        storage=storage,
        track=tuple(track or DEFAULT),
        tracking_uri=tracking_uri,
        home=home,
        executor=parse_executor(executor),
        accept_space_change=accept_space_change,
        skip_export_check=skip_export_check,
        strict=strict,
    )
    result = search(options, watcher(json))
    if json:
        print_json(result.to_json())
    _tell_result(result, say if json else tell)
    raise typer.Exit(_exit_code(result))


def _tell_result(result: "RunResult", tell: Callable[[str], None]) -> None:
    from ..progress.format import duration, trial_with, with_interval
    from ..progress.gain import gain

    summary = result.study
    counts = ", ".join(f"{count} {state}" for state, count in summary.counts.items() if count)
    tell(f"study {summary.study} {result.outcome}: {counts or 'no trials'} in {duration(summary.wall_s)}")
    if summary.best is not None:
        best = summary.best
        value = with_interval(best.value, summary.best_interval)
        tell(f"best {summary.metric} {value}, {trial_with(best.number, best.params)}")
    if gained := gain(summary):
        tell(gained)
    if summary.passed_over:
        tell(summary.passed_over_line)
    if result.unsent:
        say(f"{result.unsent} events have not reached MLflow; the next command on the study sends them")
    if result.outcome != "done":
        say("run the same command again to go on")


def _exit_code(result: "RunResult") -> int:
    from ..loop.loop import Outcome

    if result.outcome is Outcome.INTERRUPTED:
        return INTERRUPTED
    return WORK_FAILED if result.outcome is Outcome.DONE and result.study.best is None else 0
