"""Drift alarms: false alarms and delays against a repeated two-sample test.

The peer is what tutorials teach: Kolmogorov-Smirnov on each softmax output, the last 500 predictions against the
reference, every 50 predictions, at the level 0.05 by Bonferroni (Rabanser et al. 2019, arXiv:1810.11953, section 3).

Models are scikit-learn's, on images that they have not trained on: the embedded digits, and Fashion-MNIST where it is
installed. Shifts are made stronger in steps until they cost five points of accuracy.
"""

import argparse

import numpy as np
from drift_data import Data, Predictions, digits, fashion, see
from drift_shifts import CLASS_MIX, COST, SHIFTS, shifted
from harness import FASHION_MNIST, Figure, Target, arguments, figure, finish
from hpo.serving.monitor.accuracy import Estimator
from hpo.serving.monitor.calibrate import threshold_for
from hpo.serving.monitor.detector import Detector
from hpo.serving.monitor.embedding import Neighbourhood
from hpo.serving.monitor.features import measure, to_scale, watched_features
from hpo.serving.monitor.ranks import Ranks
from hpo.serving.monitor.reference import Reference
from hpo.serving.monitor.watch import reference_values
from scipy.stats import ks_2samp

PORTION = 16  # predictions that a detector is given at once; alarms do not depend on it
PEER_WINDOW, PEER_EVERY, PEER_LEVEL = 500, 50, 0.05
RATE_EVERY, DELAY_EVERY = 1_000, 10_000


class Ours:
    """A detector over one reference."""

    def __init__(
        self, data: Data, world: Predictions, rows: np.ndarray, every: int, threshold: float | None, seed: int
    ) -> None:
        reference = Reference(
            np.log(np.maximum(world.probabilities[rows], 1e-12)).astype(np.float32),
            data.labels[rows],
            world.statistics[rows].astype(np.float32),
        )
        self.neighbourhood: Neighbourhood
        self.neighbourhood, values = reference_values(reference, 1.0)
        scaled = to_scale(values)
        watched = watched_features(tuple("0123456789"))
        complete = scaled[~np.isnan(scaled).any(axis=1)]
        self.threshold = threshold or threshold_for(every - every // 10, complete, watched, seed)
        self._detector, self._ranks = Detector(watched, self.threshold, every // 10), Ranks(scaled, seed)

    def alarms(self, stream: Predictions) -> list[int]:
        """Return the positions of the alarms in a stream."""
        similarity = self.neighbourhood.similarity(stream.probabilities)
        values = to_scale(measure(stream.probabilities, stream.statistics, similarity))
        changes = []
        for start in range(0, len(values), PORTION):
            changes += self._detector.take(self._ranks.rank(values[start : start + PORTION]))
        return [change.position for change in changes]


def peer_alarms(reference: Predictions, stream: Predictions) -> list[int]:
    """Return the positions at which some class's KS test says drift."""
    classes = stream.probabilities.shape[1]
    positions = []
    for end in range(PEER_WINDOW, len(stream.probabilities) + 1, PEER_EVERY):
        window = stream.probabilities[end - PEER_WINDOW : end]
        p_values = [
            ks_2samp(reference.probabilities[:, k], window[:, k], method="asymp").pvalue for k in range(classes)
        ]
        if min(p_values) < PEER_LEVEL / classes:
            positions.append(end - 1)
    return positions


def false_alarms(data: Data, streams: int, length: int, peers: int) -> tuple[float, float]:
    """Count alarms per `RATE_EVERY` predictions without drift.

    Ours over `streams`, the peer's over the first `peers`.
    """
    world = see(data, data.images)
    thresholds: list[float] = []
    ours, peer = 0, 0
    for seed in range(streams):
        random = np.random.default_rng(seed)
        rows, stream = (random.choice(len(data.labels), count) for count in (500, length))
        threshold = thresholds[seed % 10] if seed >= 10 else None  # the threshold hardly depends on the draw
        monitor = Ours(data, world, rows, RATE_EVERY, threshold, seed)
        thresholds.append(monitor.threshold)
        ours += len(monitor.alarms(world.rows(stream)))
        if seed < peers:
            peer += len(peer_alarms(world.rows(rows), world.rows(stream)))
    return ours * RATE_EVERY / (streams * length), peer * RATE_EVERY / (peers * length)


def delays(data: Data, name: str, repeats: int) -> tuple[float, list[float], list[float]]:
    """Measure accuracy lost, and the delays of ours and the peer's alarms.

    In predictions; inf where none came within 500.
    """
    images, _, lost = shifted(data, name)
    world, shifted_world = see(data, data.images), see(data, images)
    ours, peer = [], []
    threshold = None
    for seed in range(repeats):
        random = np.random.default_rng(1_000 + seed)
        rows, before = random.choice(len(data.labels), 500), random.choice(len(data.labels), 500)
        # with replacement, as all draws here: the world is larger than the data set
        after = random.choice(len(images), 500)
        stream = Predictions(
            np.concatenate([world.probabilities[before], shifted_world.probabilities[after]]),
            np.concatenate([world.statistics[before], shifted_world.statistics[after]]),
        )
        monitor = Ours(data, world, rows, DELAY_EVERY, threshold, seed)
        threshold = monitor.threshold
        ours.append(_delay(monitor.alarms(stream)))
        peer.append(_delay(peer_alarms(world.rows(rows), stream)))
    return lost, ours, peer


def _delay(positions: list[int]) -> float:
    return min((position - 499 for position in positions if position >= 500), default=float("inf"))


def accuracy_errors(data: Data, repeats: int) -> list[float]:
    """Return estimated less true accuracy under shifts of the class mix.

    Of 500 predictions each, with a class mix drawn at random.
    """
    shares = data.answer(data.images)
    right = shares.argmax(axis=1) == data.labels
    errors = []
    for seed in range(repeats):
        random = np.random.default_rng(seed)
        reference = random.choice(len(right), 500, replace=False)
        others = np.setdiff1d(np.arange(len(right)), reference)
        weights = random.dirichlet(np.ones(10))[data.labels[others]]
        rows = random.choice(others, 500, p=weights / weights.sum())
        estimator = Estimator(shares[reference], data.labels[reference])
        errors.append(estimator.accuracy(shares[rows]) - float(right[rows].mean()))
    return errors


def main() -> None:
    parser = arguments("drift", __doc__.splitlines()[0], repeats=20)
    parser.add_argument("--streams", type=int, default=1_000, help="streams without drift (default 1000)")
    options = parser.parse_args()
    length, peers = 2_000, 50
    if options.quick:
        options.repeats, options.streams, length, peers = 1, 3, 600, 2
    sources = [digits] if options.quick or not FASHION_MNIST.is_dir() else [digits, fashion]
    rows: list[dict[str, str]] = []
    targets: list[Target] = []
    measured: dict[str, dict[str, object]] = {}
    for source in sources:
        _measure(source(), options, length, peers, rows, targets, measured)
    finish(options, f"Drift, one false alarm in {DELAY_EVERY:,} predictions asked for", rows, targets, measured)


def _measure(
    data: Data,
    options: argparse.Namespace,
    length: int,
    peers: int,
    rows: list[dict[str, str]],
    targets: list[Target],
    measured: dict[str, dict[str, object]],
) -> None:
    """Measure one data set into `rows`, `targets` and `measured`."""
    ours, peer_rate = false_alarms(data, options.streams, length, peers)
    print(f"{data.name}: false alarms per {RATE_EVERY}: {ours:.3f}, peer {peer_rate:.1f}", flush=True)
    rows.append(_row(data, f"no drift: alarms per {RATE_EVERY:,}, 1 asked for", "", f"{ours:.2f}", f"{peer_rate:.1f}"))
    targets.append(Target(f"{data.name}: false alarms off the set rate, share", abs(ours - 1), 0.2, at_most=True))
    shifts, reached = {}, []
    for name in (*SHIFTS, CLASS_MIX):
        lost, ours_delays, peer_delays = delays(data, name, options.repeats)
        shifts[name] = {"lost": lost, "ours": ours_delays, "peer": peer_delays}
        by_ours, by_peer = _detections(ours_delays), _detections(peer_delays)
        print(f"{data.name}: {name}: lost {lost:.3f}, {by_ours}, peer {by_peer}", flush=True)
        rows.append(_row(data, name, f"{100 * lost:.0f}", by_ours, by_peer))
        if lost >= COST:
            reached += [delay <= 500 for delay in ours_delays]
    targets.append(Target(f"{data.name}: share of shifts found within 500 predictions", float(np.mean(reached)), 0.95))
    errors = figure([abs(error) for error in accuracy_errors(data, 10 if options.quick else 100)])
    rows.append(_row(data, "estimated accuracy under class-mix shift: points off", "", _points(errors), "-"))
    targets.append(Target(f"{data.name}: median error of estimated accuracy", errors.median, 0.02, at_most=True))
    measured[data.name] = {"false_alarms": ours, "peer": peer_rate, "shifts": shifts, "accuracy": errors.median}


def _row(data: Data, what: str, lost: str, ours: str, peer: str) -> dict[str, str]:
    return {"data": data.name, "what": what, "points lost": lost, "ours": ours, "KS at every look": peer}


def _points(errors: Figure) -> str:
    return f"{100 * errors.median:.1f} (median)"


def _detections(delays: list[float]) -> str:
    """Say how many were found, after how many predictions."""
    reached = [delay for delay in delays if delay <= 500]
    after = f", after {np.median(reached):.0f}" if reached else ""
    return f"{len(reached)}/{len(delays)}{after}"


if __name__ == "__main__":
    main()
