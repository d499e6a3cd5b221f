"""A champion and a challenger: who answers whom, and whether they differ."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hpo.errors import ServeError
from hpo.serving.difference import Moments, SequentialTest
from hpo.serving.options import Folder

from .conftest import Running, png, write_export

Serving = Callable[..., Running]
PNG = {"Content-Type": "image/png"}


@pytest.fixture
def challenger(tmp_path: Path) -> Path:
    return write_export(tmp_path / "challenger", version="c1", seed=1, temperature=3.0)


def test_a_share_of_the_requests_goes_to_the_challenger_and_an_id_always_to_the_same(
    serving: Serving, challenger: Path
) -> None:
    with serving(challenger=Folder(challenger), share=0.3) as running, running.client() as client:
        arms = [_arm(client, f"r{number}") for number in range(200)]
        again = [_arm(client, f"r{number}") for number in range(20)]
        compared = client.get("status").json()["comparison"]
        metrics = client.get("metrics").text
    assert again == arms[:20]
    assert 30 < arms.count("challenger") < 90  # 60 expected, 6.5 their standard deviation
    assert compared["champion"] + compared["challenger"] == 220
    assert compared["confidence_difference"] < 0  # a temperature of 3 makes it less sure
    assert compared["p_value"] < 0.05
    assert f'hpo_predictions_total{{arm="challenger",label="bright"}} {float(compared["challenger"])}' in metrics


def _arm(client: object, request_id: str) -> str:
    shade = 200 + int(request_id[1:]) % 50
    answer = client.post("predict", content=png(shade), headers={**PNG, "X-Request-ID": request_id})  # type: ignore[attr-defined]
    return str(answer.json()["arm"])


def test_a_shadow_sees_every_image_and_answers_nobody(serving: Serving, challenger: Path) -> None:
    with serving(challenger=Folder(challenger), shadow=True) as running, running.client() as client:
        answers = [client.post("predict", content=png(shade), headers=PNG).json() for shade in range(0, 250, 5)]
        end = time.monotonic() + 20
        while (compared := client.get("status").json()["comparison"])["images"] < 50:
            assert time.monotonic() < end
            time.sleep(0.02)
    assert {answer["arm"] for answer in answers} == {"champion"}
    assert compared["agreement"] > 0.9
    shadows = [prediction for prediction in running.log.predictions if prediction.shadow]
    assert len(shadows) == 50
    assert {prediction.arm for prediction in shadows} == {"challenger"}
    assert {prediction.request_id for prediction in shadows} == {answer["request_id"] for answer in answers}


def test_arms_must_know_the_same_classes(serving: Serving, challenger: Path) -> None:
    write_export(challenger, class_names=("dark", "medium", "blinding"))
    with (
        pytest.raises(ServeError, match="differ in blinding, bright"),
        serving(challenger=Folder(challenger), share=0.5),
    ):
        pass


def test_moments_are_those_of_numpy() -> None:
    values = np.random.default_rng(0).normal(3, 2, 100)
    moments = Moments()
    for value in values:
        moments.add(float(value))
    assert moments.mean == pytest.approx(values.mean())
    assert moments.variance == pytest.approx(values.var(ddof=1))


def test_whoever_looks_after_every_image_is_misled_as_rarely_as_promised() -> None:
    """At 5 %, at most 20 of 400 streams without a difference on average; a z-test after every image misleads 160."""
    generator = np.random.default_rng(0)
    misled = sum(_stream(generator.normal(0, 0.2, 1000)) < 0.05 for _ in range(400))
    assert misled <= 20 + 3 * math.sqrt(20)
    found = sum(_stream(generator.normal(0.05, 0.2, 1000)) < 0.05 for _ in range(50))
    assert found == 50


def _stream(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    counts = np.arange(1, len(values) + 1)
    means = values.cumsum() / counts
    variances = (np.square(values).cumsum() / counts - means**2) / counts
    test = SequentialTest()
    for mean, variance, count in zip(means.tolist(), variances.tolist(), counts.tolist(), strict=True):
        test.look(mean, variance, count)
    return test.p
