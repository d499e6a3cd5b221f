"""The options of `hpo run`, validated on construction."""

import json
import re
import shlex
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

from ....common.masking import masked
from ....errors import SpaceError
from ....studies.study_name import refusal
from ....studies.tracking.tracker_kinds import DEFAULT, choose_trackers
from ...executors.registry import EXECUTORS
from ...strategy.samplers.registry import SAMPLERS
from ...strategy.schedulers.registry import SCHEDULERS
from ..fields import (
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

_NUMBER = r"(\d+(?:\.\d+)?)"
_DURATION = re.compile(rf"(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?|{_NUMBER}", re.ASCII)  # `2h30` may be minutes


def parse_duration(text: str) -> float:
    """Seconds in `2h`, `90m`, `1h30m`, `45s` or `45`.

    Raises:
        SpaceError: it is none of these.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    if not match or not any(match.groups()):
        raise SpaceError(f"--timeout must be a duration such as 2h, 1h30m, 90m or 45s, got {text!r}")
    hours, minutes, seconds, bare = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds + bare


def parse_workers(text: str) -> int | None:
    """The number of workers, or None for `auto`.

    Raises:
        SpaceError: it is neither.
    """
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise SpaceError(f"--workers must be auto or at least 1, got {text!r}")
    return int(text)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Everything `hpo.run` takes; the flags of `hpo run` in the same words.

    `trials` is the total the study should reach. `workers` None means auto; `timeout_s` None means no limit; `seed`
    None means the study's own, and for a new study the space's; `track` names the trackers, see docs/tracking.md.
    """

    space: Annotated[str, Flag("A space file, or the name of a bundled space.", short="-s", complete="spaces")]
    trials: Annotated[int, Flag("How many trials the study should reach in all.", short="-n")]
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
    workers: Annotated[
        int | None,
        Flag("How many trials run at once, or auto: one a GPU or core.", parse=parse_workers, default="auto"),
    ] = None
    device: Annotated[str, Flag("auto, cpu, cuda, or cuda:0,1.")] = "auto"
    timeout_s: Annotated[
        float | None, Flag("Stop after this long, such as 2h or 30m.", name="--timeout", parse=parse_duration)
    ] = None
    seed: Annotated[int | None, Flag("Seed of the sampler and of every trial.")] = None
    sampler: Annotated[str, Flag(f"{one_of(SAMPLERS)}.")] = "tpe"
    pruner: Annotated[str, Flag(f"{one_of(SCHEDULERS)}.")] = "median"
    storage: StorageField = None
    tracking_uri: TrackingField = None
    home: HomeField = None
    executor: Annotated[
        Literal["process", "inline"], Flag("process, or inline: one trial at a time in this process.")
    ] = "process"
    accept_space_change: Annotated[bool, Flag("Go on with a study whose space was different.")] = False
    skip_export_check: SkipExportField = False
    strict: StrictField = False
    track: TrackField = DEFAULT

    def __post_init__(self) -> None:
        coerce(self)
        EXECUTORS.check(self.executor)
        # the dataclass is frozen; this is still its construction
        object.__setattr__(self, "track", choose_trackers(self.track))
        if self.trials < 1:
            raise SpaceError(f"--trials must be at least 1, got {self.trials}")
        if self.timeout_s is not None and self.timeout_s <= 0:
            raise SpaceError(f"--timeout must be longer than 0 s, got {self.timeout_s:g} s")
        if self.study is not None and (refused := refusal(self.study)):
            raise SpaceError(f"--study {refused}")

    @property
    def command(self) -> str:
        """The equivalent command line, with `***` for a URL's secrets.

        It asks for the same wherever the options came from. It is kept where others read it: in the study and in
        MLflow.
        """
        words = ["hpo", "run"]
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default:  # the line is to be read: defaults go without saying
                words += _flag(field.name, value)
        return shlex.join(words)

    def space_overrides(self, stored_seed: int | None) -> list[str]:
        """The `--set` changes, then the flags that are short for one."""
        from ...resolve.data import data_source  # reads spaces, which no help text needs

        seed = self.seed if self.seed is not None else stored_seed
        short = {"data.source": data_source(self.data), "budget.epochs": self.epochs, "seed": seed}
        short |= {"data.strict": True} if self.strict else {}  # without the flag the space's own value holds
        # as JSON, which is YAML: a folder may be called `a: b`
        return [*self.overrides, *(f"{key}={json.dumps(value)}" for key, value in short.items() if value is not None)]


def _flag(name: str, value: Any) -> list[str]:
    """A field and its value as words of a command line."""
    match name:
        case "overrides":
            return [word for change in value for word in ("--set", change)]
        case "timeout_s":
            return ["--timeout", f"{value:g}s"]
        case "track":
            return ["--track", ",".join(value)]  # one word: choose_trackers takes it apart
        case "accept_space_change" | "skip_export_check" | "strict":
            return [f"--{name.replace('_', '-')}"]  # these have no value
        case "storage" | "tracking_uri":
            value = masked(value)
    return [f"--{name.replace('_', '-')}", str(value)]
