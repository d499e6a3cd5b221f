"""What `auto` in a configuration means on the device at hand, for a run that begins in this process."""

from pathlib import Path

from ...training.config import TrialConfig
from ...training.data.pack import Pack
from ..progress.single import RetrainWatcher


def settle(config: TrialConfig, pack: Pack, device: str, cache: Path, watcher: RetrainWatcher) -> TrialConfig:
    """`config` without `auto`; said where it had to be measured, which is then kept in `cache`.

    Raises:
        TrainingError: the model cannot be built.
    """
    from ...training.preflight.decide_numerics import decide_numerics

    numerics = decide_numerics(config, pack, [device], cache)
    if numerics.note:
        watcher.note(numerics.note)
    return numerics.settle(config)
