"""The options of `hpo run`, validated on construction."""

import json
import shlex
from dataclasses import dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal

from ....common.masking import masked
from ....errors import SpaceError
from ....studies.study_name import refusal
from ....studies.tracking.tracker_kinds import DEFAULT, choose_trackers
from ....studies.waiting import GIVE_UP_S, GRACE_S, LEAST_GRACE_S
from ...executors.registry import EXECUTORS
from ...strategy.samplers.registry import SAMPLERS
from ...strategy.schedulers.registry import SCHEDULERS
from ...strategy.strategies.registry import STRATEGIES
from ..fields import (
    CheckpointDirField,
    DataField,
    DataRootField,
    Flag,
    HomeField,
    SetField,
    SkipExportField,
    StorageField,
    StrictField,
    TrackField,
    TrackingField,
    one_of,
)
from ..keywords import coerce
from ..trial_fields import (
    GraceField,
    PatienceField,
    SearchDeviceField,
    TimeoutField,
    TrialTimeoutField,
    WorkersField,
)

RAY = "ray"
_OF_RAY = frozenset({"ray_address", "cpus_per_trial", "gpus_per_trial", "ray_unauthenticated"})  # no use for others


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Everything `hpo.run` takes; the flags of `hpo run` in the same words.

    `trials` is the total the study should reach; None means no limit, and needs another one: `timeout_s`,
    `max_epochs_total`, `until` or `until_converged`. `workers` None means auto; `seed` None means the study's own, and
    for a new study the space's. `strategy`, `sampler`, `pruner` and `audit` None mean what the space says, else what
    the study has had so far; `track` names the trackers, see docs/tracking.md.
    """

    space: Annotated[str, Flag("A space file, or the name of a bundled space.", short="-s", complete="spaces")]
    trials: Annotated[int | None, Flag("How many trials the study should reach in all.", short="-n")] = None
    study: Annotated[
        str | None,
        Flag(
            "The study's name. Default: the space's.",
            metavar="[STUDY]",
            complete="studies",
            positional=True,
            also_option=True,
        ),
    ] = None
    data: DataField = None
    data_root: DataRootField = None
    overrides: SetField = ()
    epochs: Annotated[int | None, Flag("Epochs of each trial; short for --set budget.epochs=N.")] = None
    workers: WorkersField = None
    device: SearchDeviceField = "auto"
    devices_per_trial: Annotated[
        int | None, Flag("Devices that share each batch of a trial; short for --set devices=N.")
    ] = None
    timeout_s: TimeoutField = None
    max_epochs_total: Annotated[int | None, Flag("Stop after so many epochs of all trials of the study.")] = None
    until: Annotated[
        float | None, Flag("Stop when a trial has reached this value of the objective, the first of several.")
    ] = None
    until_converged: Annotated[bool, Flag("Stop when improvement is no longer likely.")] = False
    trial_timeout_s: TrialTimeoutField = None
    warm_start: Annotated[
        tuple[str, ...],
        Flag("Begin with the best trials of these studies; repeatable, or with commas between.", metavar="STUDY"),
    ] = ()
    try_file: Annotated[
        Path | None, Flag("Begin with the values in a YAML file, a mapping or a list of them.", name="--try")
    ] = None
    seed: Annotated[int | None, Flag("Seed of the sampler and of every trial.")] = None
    strategy: Annotated[str | None, Flag(f"{one_of(STRATEGIES)}. Default: the space's, the study's, auto.")] = None
    sampler: Annotated[
        str | None,
        Flag(
            f"{one_of((*SAMPLERS, 'module:Class'))}. Default: the space's, study's or strategy's.", complete="samplers"
        ),
    ] = None
    pruner: Annotated[
        str | None,
        Flag(
            f"{one_of(SCHEDULERS)}; asha:4 is one with a number; means strategy pruning, which has median by default.",
            complete="pruners",
        ),
    ] = None
    audit: Annotated[
        float | None,
        Flag("Share of the trials to be stopped that run on to their end, to see whether stopping is right, as 0.05."),
    ] = None
    storage: StorageField = None
    storage_patience_s: PatienceField = GIVE_UP_S
    grace_s: GraceField = GRACE_S
    checkpoint_dir: CheckpointDirField = None
    tracking_uri: TrackingField = None
    home: HomeField = None
    executor: Annotated[
        Literal["process", "inline", "ray"],
        Flag("process; inline: one trial at a time in this process; ray: on the nodes of a Ray cluster."),
    ] = "process"
    ray_address: Annotated[
        str, Flag("The cluster of --executor ray: HOST:PORT of its head, ray://HOST:PORT, or auto: one here.")
    ] = "auto"
    cpus_per_trial: Annotated[float, Flag("CPUs that each trial has on a Ray cluster.")] = 1.0
    gpus_per_trial: Annotated[float, Flag("GPUs that each trial has on a Ray cluster, such as 0.25.")] = 0.0
    ray_unauthenticated: Annotated[bool, Flag("Use a Ray cluster that asks strangers for no token.")] = False
    accept_space_change: Annotated[bool, Flag("Go on with a study whose space was different.")] = False
    skip_export_check: SkipExportField = False
    strict: StrictField = False
    track: TrackField = DEFAULT

    def __post_init__(self) -> None:
        coerce(self)
        EXECUTORS.check(self.executor)
        self._check_ray()
        # the dataclass is frozen; this is still its construction
        object.__setattr__(self, "track", choose_trackers(self.track))
        studies = (name.strip() for given in self.warm_start for name in given.split(","))
        object.__setattr__(self, "warm_start", tuple(dict.fromkeys(filter(None, studies))))
        self._check_budgets()
        if self.study is not None and (refused := refusal(self.study)):
            raise SpaceError(f"--study {refused}")

    def _check_budgets(self) -> None:
        for flag, count in (("--trials", self.trials), ("--max-epochs-total", self.max_epochs_total)):
            if count is not None and count < 1:
                raise SpaceError(f"{flag} must be at least 1, got {count}")
        for flag, seconds in (("--timeout", self.timeout_s), ("--trial-timeout", self.trial_timeout_s)):
            if seconds is not None and seconds <= 0:
                raise SpaceError(f"{flag} must be longer than 0 s, got {seconds:g} s")
        if self.storage_patience_s < 0:
            raise SpaceError(f"--storage-patience must be at least 0 s, got {self.storage_patience_s:g} s")
        if self.grace_s < LEAST_GRACE_S:
            raise SpaceError(f"--grace must be at least {LEAST_GRACE_S:g} s, got {self.grace_s:g} s")
        if self.until is not None and not isfinite(self.until):
            raise SpaceError(f"--until must be a number, got {self.until}")
        if self.audit is not None and not 0 <= self.audit <= 1:
            raise SpaceError(f"--audit must be a share from 0 to 1, such as 0.05, got {self.audit:g}")
        if (self.trials, self.timeout_s, self.max_epochs_total, self.until) == (None,) * 4 and not self.until_converged:
            raise SpaceError(
                "a search must have an end, got none\n"
                "  give --trials, --timeout, --max-epochs-total, --until or --until-converged"
            )

    def _check_ray(self) -> None:
        of_ray = [field for field in fields(self) if field.name in _OF_RAY]
        given = [field.name for field in of_ray if getattr(self, field.name) != field.default]
        if given and self.executor != RAY:
            raise SpaceError(f"--{given[0].replace('_', '-')} is for --executor ray, got --executor {self.executor}")
        if self.executor == RAY and self.device != "auto":
            raise SpaceError(f"--device is the nodes' own with --executor ray, got {self.device}; see --gpus-per-trial")
        if not (isfinite(self.cpus_per_trial) and self.cpus_per_trial > 0):
            raise SpaceError(f"--cpus-per-trial must be more than 0, got {self.cpus_per_trial:g}")
        gpus = self.gpus_per_trial
        if not (isfinite(gpus) and gpus >= 0 and (gpus <= 1 or gpus.is_integer())):
            raise SpaceError(f"--gpus-per-trial must be a share of a card or a whole number, got {gpus:g}")

    @property
    def command(self) -> str:
        """The equivalent command line, with `***` for a URL's secrets.

        It asks for the same wherever the options came from. It is kept where others read it: in the study and in
        MLflow.
        """
        return command_of("run", self)

    def space_overrides(self, stored_seed: int | None) -> list[str]:
        """The `--set` changes, then the flags that are short for one."""
        from ...resolve.data import data_source  # reads spaces, which no help text needs

        seed = self.seed if self.seed is not None else stored_seed
        short = {"data.source": data_source(self.data), "budget.epochs": self.epochs, "seed": seed}
        short["devices"] = self.devices_per_trial
        short |= {"data.strict": True} if self.strict else {}  # without the flag the space's own value holds
        # as JSON, which is YAML: a folder may be called `a: b`
        return [*self.overrides, *(f"{key}={json.dumps(value)}" for key, value in short.items() if value is not None)]


def command_of(verb: str, options: Any) -> str:
    """The command line of `verb` that asks for what a dataclass of options does, with `***` for a URL's secrets."""
    words = ["hpo", verb]
    for field in fields(options):
        value = getattr(options, field.name)
        if value != field.default:  # the line is to be read: defaults go without saying
            words += _flag(field.name, value)
    return shlex.join(words)


def _flag(name: str, value: Any) -> list[str]:
    """A field and its value as words of a command line."""
    match name:
        case "overrides":
            return [word for change in value for word in ("--set", change)]
        case "timeout_s" | "trial_timeout_s" | "storage_patience_s" | "grace_s":
            return [f"--{name.removesuffix('_s').replace('_', '-')}", f"{value:g}s"]
        case "track" | "warm_start" | "trial":
            return [f"--{name.replace('_', '-')}", ",".join(value)]  # one word, which is taken apart again
        case "try_file":
            return ["--try", str(value)]
        case _ if value is True:
            return [f"--{name.replace('_', '-')}"]
        case "storage" | "checkpoint_dir" | "tracking_uri":
            value = masked(value)
    return [f"--{name.replace('_', '-')}", str(value)]
