"""False alarms come as often as set, on any data; real changes are found, named and dated."""

import numpy as np
import pytest
from hpo.serving.monitor.alarm import Alarm
from hpo.serving.monitor.bets import BETS, payoffs
from hpo.serving.monitor.calibrate import threshold_for
from hpo.serving.monitor.detector import Detector, weights
from hpo.serving.monitor.features import measure, to_scale, watched_features
from hpo.serving.monitor.options import MonitorOptions
from hpo.serving.monitor.ranks import Ranks
from hpo.serving.monitor.reference import Reference
from hpo.serving.monitor.watch import Watch, reference_values
from hpo.serving.statistics import input_statistics
from numpy.typing import NDArray
from scipy.stats import kstest

from .conftest import CLASSES, World


def watch_over(world: World, every: int, seed: int = 0, size: int = 400) -> Watch:
    reference = world.reference(world.draw(size, seed))
    return Watch("v1", CLASSES, reference, MonitorOptions(false_alarm_every=every, seed=seed))


def show(watch: Watch, world: World, images: NDArray[np.uint8], begin: float = 0.0) -> list:
    statistics = np.stack(input_statistics(images), axis=1)
    return watch.take(begin + np.arange(len(images)), world.probabilities(images), statistics)


@pytest.mark.parametrize("bet", range(len(BETS)))
def test_every_bet_is_fair(bet: int) -> None:
    even = (np.arange(100_000) + 0.5) / 100_000
    paid = payoffs(even)[:, bet]
    assert paid.mean() == pytest.approx(1, abs=1e-4)
    assert paid.min() > 0.05
    assert paid.max() <= 5.000001


def test_weights_are_shares_of_one() -> None:
    shares = weights(watched_features(CLASSES))
    assert shares.sum() == pytest.approx(1)
    assert shares[0].sum() == pytest.approx(0.25 / 10)


def test_ranks_are_uniform_and_independent_for_any_reference_and_portion() -> None:
    """Also with ties, missing values and a reference of five; 4 sigma of 1,000 uniform draws."""
    random = np.random.default_rng(1)
    values = np.round(random.beta(0.3, 2, (1_005, 2)), 2)  # most of them 0 or near it
    whole = Ranks(values[:5], seed=0).rank(values[5:])
    assert kstest(whole[:, 0], "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(whole[1:, 0], whole[:-1, 0])[0, 1]) < 4 / np.sqrt(1_000)
    values[10:20, 1] = np.nan
    ranks = Ranks(values[:5], seed=0)
    parts = np.concatenate([ranks.rank(values[start : start + 7]) for start in range(5, 1_005, 7)])
    assert np.isnan(parts[5:15, 1]).all()
    assert np.isnan(parts).sum() == 10
    assert kstest(parts[:, 0], "uniform").pvalue > 1e-4


@pytest.mark.slow
def test_false_alarms_come_as_often_as_set(world: World) -> None:
    """90 alarms expected over 30 references; Poisson, so 4 sigma are 38."""
    every, length, streams = 1_000, 3_000, 30
    alarms = 0
    threshold = None
    watched = watched_features(CLASSES)
    for seed in range(streams):
        neighbourhood, values = reference_values(world.reference(world.draw(300, seed)), 1.0)
        scaled = to_scale(values)
        if threshold is None:
            threshold = threshold_for(every - every // 10, scaled[~np.isnan(scaled).any(axis=1)], watched, seed)
        rows = world.draw(length, seed + 10_000)
        drawn = world.reference(rows)
        shares = world.probabilities(world.images[rows])
        stream = to_scale(measure(shares, drawn.statistics, neighbourhood.similarity(shares)))
        ranks, detector = Ranks(scaled, seed), Detector(watched, threshold, every // 10)
        for start in range(0, length, 20):
            alarms += len(detector.take(ranks.rank(stream[start : start + 20])))
    assert abs(alarms - streams * length / every) < 4 * np.sqrt(streams * length / every)


def _darker(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return (images * 0.6).astype(np.uint8)


def _noisy(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    noise = np.random.default_rng(5).normal(0, 40, images.shape)
    return np.clip(images + noise, 0, 255).astype(np.uint8)


def _blurred(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    padded = np.pad(images.astype(float), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    return np.mean([padded[:, :, y : y + 8, x : x + 8] for y in range(3) for x in range(3)], axis=0).astype(np.uint8)


@pytest.mark.parametrize(
    ("shift", "family"), [(_darker, "images"), (_noisy, "images"), (_blurred, "images")], ids=["dark", "noise", "blur"]
)
def test_a_change_of_the_images_is_found_and_dated(shift: object, family: str, world: World) -> None:
    watch = watch_over(world, every=10_000)
    assert show(watch, world, world.images[world.draw(300, 77)]) == []
    alarms = show(watch, world, shift(world.images[world.draw(200, 78)]), begin=300)
    assert alarms[0].family == family
    assert alarms[0].time < 350
    assert 200 <= alarms[0].since <= 310
    assert alarms[0].share_now > alarms[0].share_then
    assert alarms[0].feature in alarms[0].words


def test_a_change_of_the_class_mix_is_found(world: World) -> None:
    watch = watch_over(world, every=10_000)
    assert show(watch, world, world.images[world.draw(300, 77)]) == []
    ones_and_sevens = np.flatnonzero(np.isin(world.labels, [7, 1]))
    (first, *_) = show(watch, world, world.images[world.draw(200, 5, only=ones_and_sevens)], begin=300)
    assert first.family in ("classes", "embedding")
    assert first.time < 400


def test_a_lasting_change_is_told_again_after_the_pause(world: World) -> None:
    watch = watch_over(world, every=1_000)
    alarms = show(watch, world, _darker(world.images[world.draw(400, 8)]))
    assert 3 <= len(alarms) <= 4
    assert min(np.diff([alarm.time for alarm in alarms])) > 100


def test_a_stream_like_the_reference_is_quiet(world: World) -> None:
    watch = watch_over(world, every=100_000)
    assert show(watch, world, world.images[world.draw(2_000, 3)]) == []
    assert 0 <= watch.evidence < 1


def test_a_reference_is_read_as_it_was_saved(world: World, tmp_path: object) -> None:
    reference = world.reference(world.draw(300, 1))
    reference.save(tmp_path / "reference.npz")
    read = Reference.load(tmp_path / "reference.npz")
    assert (read.logits == reference.logits).all()
    assert (read.labels == reference.labels).all()
    assert read.statistics == pytest.approx(reference.statistics, abs=1e-6)
    assert read.probabilities() == pytest.approx(world.probabilities(world.images[world.draw(300, 1)]), abs=1e-5)


def test_an_alarm_never_shows_two_equal_shares_that_differ() -> None:
    alarm = Alarm(2.0, 1.0, "v", "confidence", "confidence", "lower", 0.5, share_now=0.304, share_then=0.301)
    assert "30.4% of the predictions have their confidence below 0.5; at export 30.1% did" in alarm.words
