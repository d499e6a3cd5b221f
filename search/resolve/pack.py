"""The very images that a study, a run or an export was made with, found again."""

from pathlib import Path

from ...errors import DataError
from ...training.data.config import DataConfig
from ...training.data.pack import Pack
from ...training.data.prepare import prepare
from ...training.data.sources.base import Progress
from ...training.data.store import Store


def same_data(
    config: DataConfig,
    fingerprint: str,
    *,
    cache: Path,
    data_root: Path | None,
    progress: Progress,
    of: str,
    remedy: str,
) -> Pack:
    """The pack with `fingerprint`: from the cache, else prepared again from the source and compared.

    `of` names whose data it is, `remedy` says what else could be done; both are for the message.

    Raises:
        DataError: the source is missing, or its images are no longer the same.
    """
    if packed := Store(cache).find(fingerprint):
        return packed
    pack = prepare(config, cache=cache, data_root=data_root, progress=progress)
    if fingerprint and pack.fingerprint != fingerprint:
        raise DataError(
            f"data of {of}: the images must be the same as then (fingerprint {fingerprint[:12]}), but "
            f"{config.source} now gives {pack.fingerprint[:12]}\n  bring the images back, or {remedy}"
        )
    return pack
