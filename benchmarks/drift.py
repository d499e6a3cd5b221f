"""Drift alarms: how often without drift, how soon with it, against the usual two-sample test at every look.

The peer is what tutorials teach: Kolmogorov-Smirnov on each softmax output, the last 500 predictions against the
reference, every 50 predictions, at the level 0.05 by Bonferroni (Rabanser et al. 2019, arXiv:1810.11953, section 3).

Models are scikit-learn's, on images that they have not trained on: the embedded digits, and Fashion-MNIST where it is
installed. Shifts are made stronger in steps until they cost five points of accuracy.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from harness import FASHION_MNIST, Figure, Target, arguments, figure, finish
from hpo.serving.monitor.accuracy import Estimator
from hpo.serving.monitor.calibrate import threshold_for
from hpo.serving.monitor.detector import Detector
from hpo.serving.monitor.embedding import Neighbourhood
from hpo.serving.monitor.features import measure, to_scale, watched_features
from hpo.serving.monitor.ranks import Ranks
from hpo.serving.monitor.reference import Reference
from hpo.serving.monitor.watch import reference_values
from hpo.serving.statistics import input_statistics
from scipy import ndimage
from scipy.stats import ks_2samp
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

Array = np.ndarray
COST = 0.05
PORTION = 16
PEER_WINDOW, PEER_EVERY, PEER_LEVEL = 500, 50, 0.05
RATE_EVERY, DELAY_EVERY = 1_000, 10_000


@dataclass(frozen=True)
class Data:
    """Images uint8 [N, 1, side, side] and labels that the model has not seen, and its probabilities for any images."""

    name: str
    images: Array
    labels: Array
    answer: Callable[[Array], Array]

    def accuracy(self, images: Array, labels: Array) -> float:
        """Share of right answers."""
        return float((self.answer(images).argmax(axis=1) == labels).mean())


@dataclass(frozen=True)
class Seen:
    """What a monitor sees of images: probabilities [n, classes], statistics [n, 3]."""

    probabilities: Array
    statistics: Array

    def rows(self, rows: Array) -> "Seen":
        """Some of them."""
        return Seen(self.probabilities[rows], self.statistics[rows])


def see(data: Data, images: Array) -> Seen:
    return Seen(data.answer(images), np.stack(input_statistics(images), axis=1))


def digits() -> Data:
    held = load_digits()
    images = (held.images * 255 / 16).astype(np.uint8)[:, None]
    return _trained("digits", images, held.target, 600, LogisticRegression(max_iter=2000))


def fashion() -> Data:
    import gzip

    def read(name: str, offset: int) -> Array:
        with gzip.open(FASHION_MNIST / f"{name}.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=offset)

    images = read("t10k-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28)
    labels = read("t10k-labels-idx1-ubyte", 8).astype(np.int64)
    return _trained("Fashion-MNIST", images, labels, 6_000, MLPClassifier((64,), max_iter=15, random_state=0))


def _trained(name: str, images: Array, labels: Array, train: int, model: LogisticRegression | MLPClassifier) -> Data:
    import warnings

    order = np.random.default_rng(0).permutation(len(images))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged, and need not
        model.fit(images[order[:train]].reshape(train, -1) / 255, labels[order[:train]])
    rest = order[train:]
    return Data(
        name, images[rest], labels[rest], lambda images: model.predict_proba(images.reshape(len(images), -1) / 255)
    )


def _pixels(images: Array) -> Array:
    return np.clip(np.rint(images), 0, 255).astype(np.uint8)


def _noise(images: Array, strength: float) -> Array:
    return images + np.random.default_rng(0).normal(0, 15 * strength, images.shape)


def _salt(images: Array, strength: float) -> Array:
    drawn = np.random.default_rng(0).random(images.shape)
    return np.where(drawn < 0.02 * strength, 255, np.where(drawn > 1 - 0.02 * strength, 0, images))


def _coarse(images: Array, strength: float) -> Array:
    """Blended with squares of a seventh of the side, at least two pixels."""
    step = max(2, images.shape[-1] // 7)
    squares = images.reshape(len(images), 1, images.shape[-1] // step, step, -1, step).mean(axis=(3, 5))
    return images + (squares.repeat(step, axis=2).repeat(step, axis=3) - images) * strength / 10


def _occluded(images: Array, strength: float) -> Array:
    side = images.shape[-1]
    size = max(1, round(side * strength / 14))
    start = side // 2
    covered = images.copy()
    covered[:, :, start : start + size, start : start + size] = 255
    return covered


def _zoomed(images: Array, strength: float) -> Array:
    side = images.shape[-1]
    places = (np.arange(side) - (side - 1) / 2) / (1 + 0.08 * strength) + (side - 1) / 2
    grid = np.meshgrid(places, places, indexing="ij")
    return np.stack([ndimage.map_coordinates(image[0], grid, output=float, order=1) for image in images])[:, None]


SHIFTS: dict[str, Callable[[Array, float], Array]] = {
    "darker": lambda images, strength: images * (1 - strength / 11),
    "brighter": lambda images, strength: images + 20.0 * strength,
    "less contrast": lambda images, strength: 128 + (images - 128.0) * (1 - strength / 11),
    "blur": lambda images, strength: ndimage.gaussian_filter(images.astype(float), (0, 0, strength / 4, strength / 4)),
    "noise": _noise,
    "salt and pepper": _salt,
    "coarser": _coarse,
    "rotated": lambda images, strength: ndimage.rotate(
        images.astype(float), 5 * strength, axes=(2, 3), reshape=False, order=1
    ),
    "moved": lambda images, strength: ndimage.shift(
        images.astype(float), (0, 0, 0, strength * images.shape[-1] / 56), order=1
    ),
    "covered": _occluded,
    "zoomed": _zoomed,
}
CLASS_MIX = "harder classes"


def shifted(data: Data, name: str) -> tuple[Array, Array, float]:
    """(images, labels, accuracy lost) of the weakest shift of that kind that costs five points, else the strongest."""
    base = data.accuracy(data.images, data.labels)
    if name == CLASS_MIX:
        right = data.answer(data.images).argmax(axis=1) == data.labels
        recall = [float(right[data.labels == label].mean()) for label in range(10)]
        for count in range(9, 0, -1):
            rows = np.flatnonzero(np.isin(data.labels, np.argsort(recall)[:count]))
            lost = base - data.accuracy(data.images[rows], data.labels[rows])
            if lost >= COST:
                break
        return data.images[rows], data.labels[rows], lost
    for strength in np.arange(0.5, 10.01, 0.5):
        images = _pixels(SHIFTS[name](data.images, float(strength)))
        lost = base - data.accuracy(images, data.labels)
        if lost >= COST:
            break
    return images, data.labels, lost


class Ours:
    """A detector over one reference."""

    def __init__(self, data: Data, world: Seen, rows: Array, every: int, threshold: float | None, seed: int) -> None:
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

    def alarms(self, stream: Seen) -> list[int]:
        """Positions of the alarms in a stream."""
        similarity = self.neighbourhood.similarity(stream.probabilities)
        values = to_scale(measure(stream.probabilities, stream.statistics, similarity))
        found = []
        for start in range(0, len(values), PORTION):
            found += self._detector.take(self._ranks.rank(values[start : start + PORTION]))
        return [change.position for change in found]


def peer_alarms(reference: Seen, stream: Seen) -> list[int]:
    """Positions at which some class's KS test says drift."""
    classes = stream.probabilities.shape[1]
    found = []
    for end in range(PEER_WINDOW, len(stream.probabilities) + 1, PEER_EVERY):
        window = stream.probabilities[end - PEER_WINDOW : end]
        p_values = [
            ks_2samp(reference.probabilities[:, k], window[:, k], method="asymp").pvalue for k in range(classes)
        ]
        if min(p_values) < PEER_LEVEL / classes:
            found.append(end - 1)
    return found


def false_alarms(data: Data, streams: int, length: int, peers: int) -> tuple[float, float]:
    """Alarms per `RATE_EVERY` predictions without drift: ours over `streams`, the peer's over the first `peers`."""
    world = see(data, data.images)
    thresholds: list[float] = []
    ours, theirs = 0, 0
    for seed in range(streams):
        random = np.random.default_rng(seed)
        rows, later = (random.choice(len(data.labels), count) for count in (500, length))
        known = thresholds[seed % 10] if seed >= 10 else None  # the threshold hardly depends on the draw
        monitor = Ours(data, world, rows, RATE_EVERY, known, seed)
        thresholds.append(monitor.threshold)
        ours += len(monitor.alarms(world.rows(later)))
        if seed < peers:
            theirs += len(peer_alarms(world.rows(rows), world.rows(later)))
    return ours * RATE_EVERY / (streams * length), theirs * RATE_EVERY / (peers * length)


def delays(data: Data, name: str, repeats: int) -> tuple[float, list[float], list[float]]:
    """Accuracy lost, and predictions until the alarm, ours and the peer's; inf where none came within 500."""
    images, _, lost = shifted(data, name)
    world, other = see(data, data.images), see(data, images)
    ours, theirs = [], []
    threshold = None
    for seed in range(repeats):
        random = np.random.default_rng(1_000 + seed)
        rows, before = random.choice(len(data.labels), 500), random.choice(len(data.labels), 500)
        after = random.choice(len(images), 500)
        stream = Seen(
            np.concatenate([world.probabilities[before], other.probabilities[after]]),
            np.concatenate([world.statistics[before], other.statistics[after]]),
        )
        monitor = Ours(data, world, rows, DELAY_EVERY, threshold, seed)
        threshold = monitor.threshold
        ours.append(_delay(monitor.alarms(stream)))
        theirs.append(_delay(peer_alarms(world.rows(rows), stream)))
    return lost, ours, theirs


def _delay(positions: list[int]) -> float:
    return min((place - 499 for place in positions if place >= 500), default=float("inf"))


def accuracy_errors(data: Data, repeats: int) -> list[float]:
    """Estimated less true accuracy of 500 predictions with a class mix drawn at random."""
    shares = data.answer(data.images)
    right = shares.argmax(axis=1) == data.labels
    errors = []
    for seed in range(repeats):
        random = np.random.default_rng(seed)
        reference = random.choice(len(right), 500, replace=False)
        rest = np.setdiff1d(np.arange(len(right)), reference)
        weights = random.dirichlet(np.ones(10))[data.labels[rest]]
        rows = random.choice(rest, 500, p=weights / weights.sum())
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
        _one(source(), options, length, peers, rows, targets, measured)
    finish(options, f"Drift, one false alarm in {DELAY_EVERY:,} predictions asked for", rows, targets, measured)


def _one(
    data: Data,
    options: argparse.Namespace,
    length: int,
    peers: int,
    rows: list[dict[str, str]],
    targets: list[Target],
    measured: dict[str, dict[str, object]],
) -> None:
    """Measure one data set."""
    ours, theirs = false_alarms(data, options.streams, length, peers)
    print(f"{data.name}: false alarms per {RATE_EVERY}: {ours:.3f}, peer {theirs:.1f}", flush=True)
    rows.append(_row(data, f"no drift: alarms per {RATE_EVERY:,}, 1 asked for", "", f"{ours:.2f}", f"{theirs:.1f}"))
    targets.append(Target(f"{data.name}: false alarms off the set rate, share", abs(ours - 1), 0.2, at_most=True))
    found, reached = {}, []
    for name in (*SHIFTS, CLASS_MIX):
        lost, mine, peer = delays(data, name, options.repeats)
        found[name] = {"lost": lost, "ours": mine, "peer": peer}
        print(f"{data.name}: {name}: lost {lost:.3f}, {_found(mine)}, peer {_found(peer)}", flush=True)
        rows.append(_row(data, name, f"{100 * lost:.0f}", _found(mine), _found(peer)))
        if lost >= COST:
            reached += [delay <= 500 for delay in mine]
    targets.append(Target(f"{data.name}: share of shifts found within 500 predictions", float(np.mean(reached)), 0.95))
    errors = figure([abs(error) for error in accuracy_errors(data, 10 if options.quick else 100)])
    rows.append(_row(data, "estimated accuracy under class-mix shift: points off", "", _points(errors), "-"))
    targets.append(Target(f"{data.name}: median error of estimated accuracy", errors.median, 0.02, at_most=True))
    measured[data.name] = {"false_alarms": ours, "peer": theirs, "shifts": found, "accuracy": errors.median}


def _row(data: Data, what: str, lost: str, ours: str, peer: str) -> dict[str, str]:
    return {"data": data.name, "what": what, "points lost": lost, "ours": ours, "KS at every look": peer}


def _points(errors: Figure) -> str:
    return f"{100 * errors.median:.1f} (median)"


def _found(delays: list[float]) -> str:
    """How many were found, after how many predictions."""
    reached = [delay for delay in delays if delay <= 500]
    after = f", after {np.median(reached):.0f}" if reached else ""
    return f"{len(reached)}/{len(delays)}{after}"


if __name__ == "__main__":
    main()
