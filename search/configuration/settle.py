"""Settling `auto` in a configuration on the device at hand."""

from pathlib import Path

from ...training.config import TrialConfig
from ...training.data.pack import Pack
from ..progress.single import RetrainWatcher


def settle(config: TrialConfig, pack: Pack, device: str, cache: Path, watcher: RetrainWatcher) -> TrialConfig:
    """Return `config` with `auto` replaced by its meaning on this device.

    Where that had to be measured, `watcher` is told, and the measurement is kept in `cache`.

    Raises:
        TrainingError: the model cannot be built.
    """
    # brings torch: a command that never comes here must not wait for it
    from ...training.preflight.decide_numerics import decide_numerics

    numerics = decide_numerics(config, pack, [device], cache)
    if numerics.note:
        watcher.note(numerics.note)
    return numerics.settle(config)
