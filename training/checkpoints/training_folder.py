"""The folder of a single training, as `hpo train` leaves it.

    <folder>/config.json    the TrialConfig
    <folder>/run.json       the pack it was trained on, and where the configuration came from
    <folder>/last.ckpt      to go on from
    <folder>/partial.ckpt   the part of the epoch after it in which the training was paused
    <folder>/best.ckpt      the weights of the epoch that counts (objective.at)
    <folder>/result.json    how it ended; missing while it trains
    <folder>/calibration.json   the temperature of best.ckpt, once the training has ended

No torch here: a folder is read at once, without the seconds of its import.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from ...common.atomic import write_atomic
from ...common.bounded import JSON_BYTES, read_bytes
from ...errors import TrainingError
from ..config import TrialConfig
from ..data.pack import Pack
from ..data.preprocessing import Preprocessing
from ..metrics.calibration import Calibration
from ..models.source import model_source
from ..saved_config import read_saved

CONFIG = "config.json"
RUN = "run.json"  # the name that folders on disk have
RESULT = "result.json"
CALIBRATION = "calibration.json"


@dataclass(frozen=True, slots=True)
class TrainingFolder:
    """A training in the folder `path`.

    `pack` is the directory of its packed data with `fingerprint`, `source` the name of that data; `origin` says in
    words where the configuration came from, `created` when the training began (ISO 8601). `class_names` and
    `preprocessing` are the pack's: the folder alone is enough to predict with. `model_source` is the SHA-256 of a
    user's model.
    """

    path: Path
    config: TrialConfig
    pack: Path
    fingerprint: str
    source: str
    origin: str
    created: str
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    model_source: str = ""

    @classmethod
    def create(cls, path: Path, config: TrialConfig, pack: Pack, origin: str) -> Self:
        """Create a training's folder, run.json last.

        The folder is made where it is missing. With run.json the training exists.

        Raises:
            OSError: it cannot be written.
        """
        path.mkdir(parents=True, exist_ok=True)
        folder = cls(
            path,
            config,
            pack.path,
            pack.fingerprint,
            pack.source,
            origin,
            datetime.now(UTC).isoformat(timespec="seconds"),
            pack.class_names,
            Preprocessing.of(pack),
            model_source(config.model),
        )
        write_atomic(path / CONFIG, config.model_dump_json(indent=2).encode())
        write_atomic(path / RUN, json.dumps(folder._facts(), indent=2).encode())
        return folder

    @classmethod
    def open(cls, path: Path) -> Self:
        """Return the training in the folder `path`.

        Raises:
            TrainingError: there is none, or its files cannot be read.
        """
        if not cls.is_one(path):
            raise TrainingError(f"{path} holds no training of `hpo train`: it has no {RUN}")
        try:
            facts = json.loads(read_bytes(path / RUN, JSON_BYTES))
            config = read_saved(read_bytes(path / CONFIG, JSON_BYTES))
            preprocessing = Preprocessing.model_validate(facts.pop("preprocessing"))
            names, pack = tuple(facts.pop("class_names")), Path(facts.pop("pack"))
            return cls(path=path, config=config, pack=pack, class_names=names, preprocessing=preprocessing, **facts)
        except (OSError, ValidationError, ValueError, KeyError, TypeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise TrainingError(f"{path}: the training cannot be read: {reason}") from error

    @staticmethod
    def is_one(path: Path) -> bool:
        """Whether `path` holds a training."""
        return (path / RUN).exists()

    @property
    def calibration(self) -> Calibration | None:
        """The temperature of the best weights; None before it is fitted.

        Raises:
            TrainingError: the file is not one of ours.
        """
        try:
            return Calibration.model_validate_json(read_bytes(self.path / CALIBRATION, JSON_BYTES))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise TrainingError(f"{self.path / CALIBRATION}: cannot be read: {reason}; remove it") from error

    def keep_calibration(self, calibration: Calibration) -> None:
        """Write `calibration` beside the weights it belongs to.

        Raises:
            OSError: it cannot be written.
        """
        write_atomic(self.path / CALIBRATION, calibration.model_dump_json(indent=2).encode())

    def _facts(self) -> dict[str, Any]:
        facts = {key: value for key, value in asdict(self).items() if key not in ("path", "config")}
        return {**facts, "pack": str(self.pack), "preprocessing": self.preprocessing.model_dump()}
