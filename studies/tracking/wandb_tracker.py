"""The Weights & Biases tracker: a run for each trial, a group for each study.

The package sends them with its own client in its own process.

    <study>/wandb/trial-0007.json      the id of the trial's run, and the last epoch that it has
    <study>/wandb/run-..., offline-run-...   what the package keeps of each run

Where no account is set up here (`wandb login`, WANDB_API_KEY), runs stay on this machine until `wandb sync` sends them.
The project is WANDB_PROJECT, else `hpo`. Nothing of the command line, the environment or the machine is sent.
"""

import json
import os
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

from ...common.atomic import write_atomic
from ...common.bounded import JSON_BYTES, read_bytes
from ...common.display import visible
from ...common.installation import Extra
from ...common.masking import masked
from ..home import Home
from .events import Epoch, Event, TrialEnded, TrialNoted, TrialPaused, TrialStarted
from .several import BackgroundTracker
from .tracker import Tracker
from .tracker_kinds import TrackedStudy, register_tracker

NAME = "wandb"

ANSWER_S = 5.0  # for one request; a server that is slower is taken for gone, and runs stay on this machine
INIT_S = 20.0  # a run is begun in one or two
FINISH_S = 20.0  # a server that has gone holds up the other trials' events, and the end of the command, so long


@register_tracker(NAME, Extra("wandb", "wandb"))
def _open(study: TrackedStudy) -> Tracker:
    return BackgroundTracker(NAME, lambda: WandbTracker(study), study.warn)


class WandbTracker:
    """The W&B runs of a study's trials. Raises whatever the package does."""

    def __init__(self, study: TrackedStudy) -> None:
        self._study, self._folder = study, study.folder(NAME)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._mode = _mode(study.warn, f"runs stay in {self._folder}; `wandb sync` sends them")
        self._runs: dict[int, _Run] = {}

    def tell(self, event: Event) -> None:
        """Send an event of a trial; leave out those of the study, which is the group of its trials' runs.

        The run of a trial that is paused at a rung has ended there. Should the trial end, too, it is not opened again:
        that takes seconds for each of many trials, and has no more to say than that.
        """
        match event:
            case TrialStarted(trial, params):
                self._runs[trial] = _Run(self._study, self._study.run_name(trial), self._mode, params)
            case Epoch(trial, epoch, metrics):
                self._runs[trial].epoch(epoch, metrics)
            case TrialNoted(trial, tags):
                self._runs[trial].note(tags)
            case TrialPaused(trial, _, metrics):
                self._runs.pop(trial).pause({**metrics, "state": event.state})
            case TrialEnded(trial, state, metrics, tags, artifacts) if trial in self._runs:
                self._runs.pop(trial).end(state, {**tags, **metrics, "state": state}, artifacts)

    def close(self, timeout_s: float) -> int:
        """Pause the runs of trials that have not ended; nothing remains."""
        while self._runs:
            self._runs.popitem()[1].pause()
        return 0


class _Run:
    """The W&B run of a trial, new or resumed by its id."""

    def __init__(self, study: TrackedStudy, name: str, mode: str, params: Mapping[str, Any]) -> None:
        import wandb

        folder = study.folder(NAME)
        self._path = folder / f"{name}.json"
        self._id, self._last_epoch = _read_id(self._path, study.home)
        self._keep()
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "hpo"),
            group=study.name,
            name=name,
            id=self._id,
            resume="allow",  # by its id, where the server has it
            config=dict(params),
            mode=mode,  # type: ignore[arg-type]
            dir=str(folder.parent),  # the package puts its folder `wandb` there
            reinit="create_new",  # trials run beside one another
            settings=_settings(),
        )
        if self._last_epoch:  # its summary may say that it is paused
            self._run.summary.update({"state": "RUNNING"})

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Log an epoch, unless the run has it."""
        if epoch > self._last_epoch:
            self._run.log(dict(metrics), step=epoch)
            self._last_epoch = epoch
            self._keep()

    def note(self, summary: Mapping[str, Any]) -> None:
        """Add to the run's summary."""
        self._run.summary.update(dict(summary))

    def end(self, state: str, summary: Mapping[str, Any], artifacts: Iterable[Path]) -> None:
        """End the run with its summary and its pictures."""
        import wandb

        for path in (path for path in artifacts if path.suffix == ".png"):
            self._run.log({path.stem: wandb.Image(str(path))}, step=self._last_epoch)
        self._run.summary.update({key: visible(v) if isinstance(v, str) else v for key, v in summary.items()})
        self._run.finish(exit_code=1 if state == "FAIL" else 0)

    def pause(self, summary: Mapping[str, Any] = {}) -> None:
        """End the run as one that may be resumed, with its summary so far."""
        self._run.summary.update(dict(summary))
        self._run.mark_preempting()
        self._run.finish(exit_code=1)

    def _keep(self) -> None:
        write_atomic(self._path, json.dumps({"id": self._id, "epoch": self._last_epoch}).encode())


def _read_id(path: Path, home: Home) -> tuple[str, int]:
    """Return the run id and last epoch kept at `path`, else new ones."""
    try:
        kept = json.loads(read_bytes(path, JSON_BYTES)) if home.contains(path) else {}
        return uuid.UUID(kept["id"]).hex, int(kept["epoch"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return uuid.uuid4().hex, 0


def _mode(warn: Callable[[str], None], stay: str) -> str:
    """Return the package's mode: WANDB_MODE, else online where there is an account.

    Nobody is asked on the terminal. Where there is no account, or no server answers, it is "offline", and a warning
    ends with `stay`, which says where the runs are.
    """
    import wandb
    from wandb.sdk.lib import wbauth

    host = wandb.setup(_settings()).settings.base_url
    mode = os.environ.get("WANDB_MODE", "online")
    if mode != "online":
        return mode
    if not wbauth.authenticate_session(host=host, source="hpo", prompt=False, update_session=False):
        warn(f"W&B: no account is set up here (`wandb login`); {stay}")
    elif not _answers(host):
        warn(f"W&B at {masked(host)} does not answer; {stay}")
    else:
        return mode
    return "offline"


def _answers(host: str) -> bool:
    """Tell whether a server answers at `host`.

    The package itself would try for minutes, and hold up the end of the command.
    """
    try:
        with urllib.request.urlopen(host, timeout=ANSWER_S):
            return True
    except urllib.error.HTTPError:  # an answer, too, such as 401
        return True
    except (OSError, HTTPException, ValueError):
        return False


def _settings() -> Any:
    import wandb

    return wandb.Settings(
        silent=True,
        console="off",  # what hpo prints is for its terminal
        disable_git=True,
        disable_code=True,
        save_code=False,
        x_disable_meta=True,  # a command line may hold an address with its password
        x_disable_machine_info=True,
        x_disable_stats=True,
        x_save_requirements=False,
        init_timeout=INIT_S,
        finish_timeout=FINISH_S,
        stop_fn=lambda: None,  # the button Stop of the page would interrupt this process, and with it all trials
    )
