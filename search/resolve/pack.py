"""The pack that a study, run or export was made with."""

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
    """Return the pack with this fingerprint, preparing it again if needed.

    It comes from the cache, or else from the source, see `same_source`.

    Raises:
        DataError: the source is missing, or its images are no longer the same.
    """
    if packed := Store(cache).find(fingerprint):
        return packed
    return same_source(config, fingerprint, cache=cache, data_root=data_root, progress=progress, of=of, remedy=remedy)


def same_source(
    config: DataConfig,
    fingerprint: str,
    *,
    cache: Path,
    data_root: Path | None,
    progress: Progress,
    of: str,
    remedy: str,
) -> Pack:
    """Return the pack that the source gives now, which must have this fingerprint.

    `of` names whose data it is, `remedy` says what else could be done; both are for the message.

    Raises:
        DataError: the source is missing, or its images are no longer the same.
    """
    # other images would still train and evaluate, and give numbers that cannot be compared
    pack = prepare(config, cache=cache, data_root=data_root, progress=progress)
    if fingerprint and pack.fingerprint != fingerprint:
        raise DataError(
            f"data of {of}: the images must be the same as then (fingerprint {fingerprint[:12]}), but "
            f"{config.source} now gives {pack.fingerprint[:12]}\n  bring the images back, or {remedy}"
        )
    return pack
