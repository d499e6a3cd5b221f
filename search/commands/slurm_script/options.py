"""The options of `hpo slurm-script`."""

import re
from dataclasses import dataclass
from typing import Annotated

from ....errors import SpaceError
from ..fields import Flag
from ..keywords import coerce

_TIME = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class SlurmScriptOptions:
    """The flags of `hpo slurm-script`; `arguments` are those of `hpo run`."""

    arguments: Annotated[
        tuple[str, ...], Flag("The flags of hpo run, after `--`.", metavar="-- RUN FLAGS", positional=True)
    ] = ()
    nodes: Annotated[int, Flag("Nodes of the job.", low=1)] = 1
    time: Annotated[str, Flag("Time limit, such as 8h, 2d or 1h30m; the job goes on in line again after it.")] = "8h"
    cpus: Annotated[int | None, Flag("CPUs that the job has on each node. Default: the cluster's.", low=1)] = None
    gpus: Annotated[int, Flag("GPUs that the job has on each node.", low=0)] = 0
    ray: Annotated[bool, Flag("One coordinator with a Ray cluster on all nodes, instead of a coordinator on each.")] = (
        False
    )
    partition: Annotated[str | None, Flag("Slurm's partition.")] = None
    account: Annotated[str | None, Flag("Slurm's account.")] = None

    def __post_init__(self) -> None:
        coerce(self)
        if self.minutes < 1:
            raise SpaceError(f"--time must be a duration such as 8h, 2d or 1h30m, got {self.time!r}")
        for name in ("partition", "account"):
            if (value := getattr(self, name)) is not None and not re.fullmatch(r"[\w.,-]+", value):
                raise SpaceError(f"--{name} must be a name, got {value!r}")

    @property
    def minutes(self) -> int:
        """The time limit, 0 where it is none."""
        match = _TIME.fullmatch(self.time.strip().lower())
        days, hours, minutes = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
        return (days * 24 + hours) * 60 + minutes
