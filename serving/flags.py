"""The flags of a server, for every program that starts one.

`hpo serve` and `python -m hpo.serving` read the same flags: each makes its own from the fields of `ServeFlags`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeFlags:
    """The flags of a server, each with its help.

    `max_batch` is --max-batch. ServeOptions and MonitorOptions check their values.
    """

    host: Annotated[str, "Where to listen. Others than loopback need --token-file."] = "127.0.0.1"
    port: Annotated[int, "0 takes a free one."] = 8000
    workers: Annotated[int, "Server processes."] = 1
    token_file: Annotated[Path | None, "A file with the token that requests must bring."] = None
    allow_host: Annotated[
        list[str] | None, "A further name under which this machine is called; repeat it for more."
    ] = None
    max_batch: Annotated[int, "Images that the model is given at once, at most."] = 32
    queue: Annotated[int, "Images that may wait; past it requests are refused with 503."] = 64
    max_body_mb: Annotated[int, "MiB of one request, at most."] = 32
    max_model_mb: Annotated[int, "MiB of memory that a model may take."] = 4096
    timeout: Annotated[float, "Seconds that one request may take."] = 30.0
    formats: Annotated[str, "Image formats that are read."] = "png,jpeg,gif,webp,bmp"
    challenger: Annotated[str | None, "Another model, named as the first, to compare with."] = None
    share: Annotated[float | None, "Share of the requests that the challenger answers."] = None
    shadow: Annotated[bool, "Ask the challenger too, and compare; it answers nobody."] = False
    log: Annotated[
        str | None, "SQLAlchemy URL of the prediction log, or none. Default: predictions.db beside the export."
    ] = None
    false_alarm_every: Annotated[int, "Predictions per false drift alarm, on average."] = 10_000
    watch_per_second: Annotated[int, "Predictions that drift detection looks at in a second, at most."] = 100
    keep_days: Annotated[float, "Days that predictions are kept."] = 30.0
    keep_rows: Annotated[int, "Predictions that are kept, at most."] = 1_000_000
    thumbnails: Annotated[float, "Share of the images that the log keeps."] = 0.0
