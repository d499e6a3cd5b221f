"""The options of `hpo monitor`."""

from dataclasses import dataclass
from typing import Annotated

from ..fields import Flag, HomeField


@dataclass(frozen=True, slots=True)
class MonitorOptions:
    """The flags of `hpo monitor`."""

    target: Annotated[
        str | None,
        Flag("An export folder or a study's name, as for `hpo serve`. Default: the export made last.", positional=True),
    ] = None
    log: Annotated[str | None, Flag("The log's SQLAlchemy URL. Default: predictions.db beside the export.")] = None
    # 30 at least, as a comparison with the reference needs (LEAST in serving/monitor/report.py)
    window: Annotated[int, Flag("How many of the newest predictions are looked at.", low=30)] = 500
    home: HomeField = None
