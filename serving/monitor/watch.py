"""The watch over the predictions of one model.

They are compared with its reference.
"""

from collections import deque
from collections.abc import Sequence

import numpy as np

from .alarm import Alarm, describe
from .calibrate import threshold_for
from .detector import Change, Detector
from .embedding import Neighbourhood
from .features import Numbers, measure, to_scale, watched_features
from .options import MonitorOptions
from .ranks import PORTION, Ranks
from .reference import Reference

_ANCHORS = 200  # images that the embedding is compared with: the cost of a prediction grows with them
_RECENT = 2_000  # predictions that an alarm can be described from


class Watch:
    """The watch: takes predictions in order, gives alarms.

    Args:
        version: of the model.
        class_names: in the order of the probabilities.
        reference: of the very same model.
        temperature: that its logits are divided by before the softmax.
        options: rate of false alarms, and the seed.
    """

    def __init__(
        self,
        version: str,
        class_names: Sequence[str],
        reference: Reference,
        options: MonitorOptions,
        temperature: float = 1.0,
    ) -> None:
        self.version = version
        self._features = watched_features(tuple(class_names))
        self._neighbourhood, self._reference = reference_values(reference, temperature)
        scaled = to_scale(self._reference)
        complete = scaled[~np.isnan(scaled).any(axis=1)]
        betting = options.false_alarm_every - options.pause  # predictions between two false alarms, less the pause
        threshold = threshold_for(betting, complete, self._features, options.seed)
        self._ranks = Ranks(scaled, options.seed)
        self._detector = Detector(self._features, threshold, options.pause)
        self._recent: deque[tuple[float, Numbers]] = deque(maxlen=_RECENT)

    @property
    def evidence(self) -> float:
        """Return the progress towards the next alarm, on a log scale.

        0 at the start, 1 at the alarm.
        """
        return self._detector.evidence

    def take(self, times: Numbers, probabilities: Numbers, statistics: Numbers) -> list[Alarm]:
        """Return the alarms that N further predictions raise.

        Args:
            times: [N], seconds since 1970.
            probabilities: [N, classes].
            statistics: [N, 3], NaN where no image was seen.
        """
        alarms: list[Alarm] = []
        for start in range(0, len(times), PORTION):
            portion = slice(start, start + PORTION)
            similarity = self._neighbourhood.similarity(probabilities[portion])
            values = measure(probabilities[portion], statistics[portion], similarity)
            self._recent.extend(zip(times[portion], values, strict=True))
            changes = self._detector.take(self._ranks.rank(to_scale(values)))
            alarms.extend(self._describe(change) for change in changes)
        return alarms

    def _describe(self, change: Change) -> Alarm:
        """Describe the change while its predictions are still at hand."""
        first = self._detector.seen - len(self._recent)  # the position of the oldest that is at hand
        affected = list(self._recent)[max(0, change.since - first) : change.position - first + 1]
        times = (affected[0][0], affected[-1][0])
        recent = np.array([values for _, values in affected])
        return describe(change, self._features, self._reference, recent, times, self.version)


def reference_values(reference: Reference, temperature: float) -> tuple[Neighbourhood, Numbers]:
    """Return the reference's features, and its anchors of the embedding.

    A third of the images, at most 200, are the anchors of the embedding. Their own similarity is left out: to itself
    an anchor is more alike than any new image can be.
    """
    probabilities = reference.probabilities(temperature)
    anchors = np.zeros(len(reference), bool)
    anchors[:: max(3, len(reference) // _ANCHORS)] = True
    neighbourhood = Neighbourhood.of(probabilities[anchors])
    similarity = np.where(anchors, np.nan, neighbourhood.similarity(probabilities))
    return neighbourhood, measure(probabilities, reference.statistics.astype(np.float64), similarity)
