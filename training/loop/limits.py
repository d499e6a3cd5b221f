"""What of a training may be limited: the costs of its model, its memory, and what it is worth."""

from collections.abc import Callable, Sequence

import torch

from ..config import TrialConfig
from ..data.pack import Pack
from ..machine.memory import peak_memory, peak_memory_gb, watch_peak
from ..metric_names import PEAK_MEMORY
from ..report import Activity, EpochReport, Status, TrainResult


class Limits:
    """Measures what is limited, or an objective beside others, of a training on `device` that `validates`.

    A training without validation images is no trial: it has no limits.
    """

    def __init__(
        self,
        config: TrialConfig,
        pack: Pack,
        device: torch.device,
        tell: Callable[[Activity], None],
        *,
        validates: bool,
    ) -> None:
        self._config, self._pack, self._device, self._tell = config, pack, device, tell
        self._wanted = config.wanted_costs if validates else ()
        self._has_memory = validates and config.constraints.peak_memory_gb is not None
        self._costs: dict[str, float] = {}

    def broken_before(self, history: Sequence[EpochReport]) -> str:
        """Measure the costs; return in words which limits they break, empty for none.

        Of a training that goes on after `history` they are what it began with.
        """
        for name in self._wanted:  # what takes longest comes last
            self._costs[name] = history[-1].metrics[name] if history else self._cost(name)
            if broken := self._config.constraints.broken(self._costs):
                return broken
        return ""

    def _cost(self, name: str) -> float:
        from ..export.costs import measure_cost  # which brings exporters

        self._tell(Activity("measuring the model"))
        return measure_cost(name, self._config, self._pack)

    def begin_epoch(self) -> None:
        """Reset the peaks of memory."""
        watch_peak(self._device, of_process=self._has_memory)

    def end_epoch(self, history: Sequence[EpochReport]) -> dict[str, float]:
        """Return the metrics of an epoch after `history`: peaks of memory, and the costs."""
        metrics = peak_memory(self._device) | self._costs
        if self._has_memory:
            before = _peak_in(history[-1:])
            metrics[PEAK_MEMORY] = max([peak_memory_gb(self._device), *before.values()])
        return metrics

    def broken_in(self, report: EpochReport) -> str:
        """In words, the limits that an epoch breaks for which a training is not gone on with; empty for none."""
        return self._config.constraints.broken(_peak_in([report]))

    def judged(self, result: TrainResult) -> dict[str, float]:
        """What of a training that ended with `result` is limited: what it is worth is known at its end."""
        validated = result.best.metrics if result.best and result.status is Status.FINISHED else {}
        return {**self._costs, **validated, **_peak_in(result.history[-1:])}


def _peak_in(reports: Sequence[EpochReport]) -> dict[str, float]:
    """The most memory that a training had taken by these epochs, where that is limited."""
    peaks = [report.metrics[PEAK_MEMORY] for report in reports if PEAK_MEMORY in report.metrics]
    return {PEAK_MEMORY: max(peaks)} if peaks else {}
