"""Preparation of a pack from a data source.

A pack's fingerprint covers the content of the source, the version of the rule by which files become pixels, the image
settings and the split settings. So that an unchanged source need not be read to know its fingerprint, the cache
remembers it by the size and times of every file.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...errors import DataError
from .arrange import locate
from .build import build
from .config import DataConfig
from .pack import FORMAT, Pack
from .sources.base import DataSource, Images, silent
from .sources.files import rules
from .store import Store

Progress = Callable[[str, int, int], None]


def prepare(
    config: DataConfig,
    *,
    cache: Path,
    data_root: Path | None = None,
    progress: Progress | None = None,
) -> Pack:
    """Return the pack for `config` in `cache`, making it if needed.

    Any number of processes may ask for the same pack at once: one makes it, the others wait. One killed on the way
    leaves nothing that a later call takes for a pack, and the next call removes what it left.

    Args:
        config: which images, at which size, split how.
        cache: the folder of all packs (`Home.cache`).
        data_root: where public data sets lie; None: HPO_DATA_ROOT, else ~/.cache/hpo/data.
        progress: called with (stage, done, total) every sixteen files or so.

    Raises:
        DataError: the source is missing or not usable, more than 5 % of its files are unreadable, the split leaves a
            part empty, or the cache cannot be written.
    """
    try:
        return _prepare(config, cache.absolute(), data_root, progress or silent)
    except OSError as error:
        path = error.filename or cache
        raise DataError(f"data: {path}: {error.strerror or error}; the data were not prepared") from error


def _prepare(config: DataConfig, cache: Path, data_root: Path | None, progress: Progress) -> Pack:
    data_source = locate(config, data_root)
    store, signature = Store(cache), _signature(data_source, config)
    pack = store.recall(signature)
    if pack is not None:
        return pack
    images = data_source.read(progress)
    fingerprint = _fingerprint(images, config)
    pack = store.open_or_make(
        fingerprint, lambda folder: build(folder, data_source.name, fingerprint, images, config, progress)
    )
    # The files may have changed while they were read: such a pack would belong to neither state.
    if _signature(locate(config, data_root), config) != signature:
        raise DataError(f"data: {config.source} was changed while it was being read; prepare it again")
    store.remember(signature, fingerprint)
    return pack


def _signature(data_source: DataSource, config: DataConfig) -> str:
    """Return a digest that changes with the source's files, settings and versions.

    That is when a file is added, removed, replaced or edited.
    """
    settings = config.model_dump(exclude={"source", "batch_size"})
    return _digest([data_source.name, data_source.files, FORMAT, rules(), settings])


def _fingerprint(images: Images, config: DataConfig) -> str:
    # The content of the images, where `_signature` has only sizes and times: a copy elsewhere is the same data.
    content = hashlib.sha256()
    for digest in images.pixels.digests():
        content.update(digest)
    described = [images.class_names, images.labels.tolist(), images.parts.tolist(), content.hexdigest()]
    if images.groups is not None:
        described.append(images.groups)
    return _digest([FORMAT, described, _settings(config, images.given_splits)])


def _settings(config: DataConfig, given_splits: Sequence[str]) -> dict[str, Any]:
    """Return the settings that decide the content of a pack.

    Not the batch size, nor a fraction that a given split makes void. What the other settings lead to, labels, splits
    and groups, is part of the fingerprint itself.
    """
    void = {f"{part}_fraction" for part in given_splits}
    if config.val_seed in (None, config.split_seed) or "val" in given_splits:
        void.add("val_seed")  # it draws no other validation images
    splitting = {"val_fraction", "test_fraction", "split_seed", "val_seed", "max_train", "max_val"}
    if config.folds:
        void, splitting = {*void, "val_fraction"}, {*splitting, "folds"}
    if config.test_fold:
        void, splitting = {*void, "test_fraction"}, {*splitting, "test_fold"}
    return config.model_dump(include={"image_size", "color", *splitting} - void)


def _digest(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]
