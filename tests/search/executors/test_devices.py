"""From `--device` and `--workers` to placements, on machines with any number of cards."""

import pytest
from hpo.errors import SpaceError
from hpo.search.executors import devices
from hpo.search.executors.devices import check_device, place


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "available_cores", lambda: 8)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_without_a_card_there_is_a_worker_per_core(device: str) -> None:
    placements = place(device, None, gpus=0)
    assert [(p.device, p.threads, p.gpu) for p in placements] == [("cpu", 1, None)] * 8


@pytest.mark.parametrize(("workers", "threads"), [(1, 8), (2, 4), (3, 2), (8, 1), (20, 1)])
def test_workers_share_the_cores(workers: int, threads: int) -> None:
    placements = place("cpu", workers, gpus=2)
    assert [(p.threads, p.gpu) for p in placements] == [(threads, None)] * workers


@pytest.mark.parametrize(
    ("device", "workers", "cards"),
    [
        ("auto", None, ["0", "1", "2"]),
        ("cuda", None, ["0", "1", "2"]),
        ("cuda:1", None, ["1"]),
        ("cuda:2,0", None, ["2", "0"]),
        ("auto", 1, ["0"]),
        ("cuda:1,2", 5, ["1", "2", "1", "2", "1"]),
    ],
)
def test_workers_are_dealt_to_the_cards(device: str, workers: int | None, cards: list[str]) -> None:
    placements = place(device, workers, gpus=3)
    assert [p.gpu for p in placements] == cards
    assert {p.device for p in placements} == {"cuda"}
    assert {p.threads for p in placements} == {max(1, 8 // len(cards))}


@pytest.mark.parametrize(
    ("device", "workers", "cards"),
    [("cuda", None, ["0,1", "2,3"]), ("cuda:3,1,0", None, ["3,1"]), ("auto", 3, ["0,1", "2,3", "0,1"])],
)
def test_a_trial_may_have_several_cards(device: str, workers: int | None, cards: list[str]) -> None:
    placements = place(device, workers, 5, 2)
    assert [placement.gpu for placement in placements] == cards
    assert {placement.threads for placement in placements} == {8 // len(cards)}


def test_devices_of_a_trial_share_the_threads_of_its_worker() -> None:
    assert [placement.threads for placement in place("cpu", None, 0, 2)] == [2] * 4
    assert [placement.threads for placement in place("cpu", 1, 0, 2)] == [8]
    assert [placement.threads for placement in place("cpu", None, 0, 16)] == [8]


def test_a_trial_of_more_cards_than_there_are_is_refused() -> None:
    with pytest.raises(SpaceError, match="--devices-per-trial 2: --device cuda:1 has 1 CUDA devices here"):
        place("cuda:1", None, 3, 2)


@pytest.mark.parametrize("visible", ["4,6", "GPU-aa,GPU-bb"])
def test_cards_are_counted_among_those_that_are_visible(visible: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's own CUDA_VISIBLE_DEVICES must name the card as the machine does, not as this process sees it."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    (placement,) = place("cuda:1", None, gpus=2)
    assert placement.gpu == visible.split(",")[1]
    assert placement.environment()["CUDA_VISIBLE_DEVICES"] == visible.split(",")[1]


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:a", "cuda:0,", "cpu:0", "CUDA", ""])
def test_what_is_no_device_is_refused_on_any_machine(device: str) -> None:
    for refuse in (lambda: check_device(device), lambda: place(device, None, gpus=1)):
        with pytest.raises(SpaceError, match="--device must be auto, cpu, cuda or cuda:0,1, got"):
            refuse()


@pytest.mark.parametrize(("device", "gpus"), [("cuda", 0), ("cuda:0", 0), ("cuda:2", 2), ("cuda:0,2", 2)])
def test_a_card_that_is_not_there_is_refused(device: str, gpus: int) -> None:
    with pytest.raises(SpaceError, match=f"--device {device}: torch sees {gpus} CUDA devices here"):
        place(device, None, gpus)


def test_no_worker_is_refused() -> None:
    with pytest.raises(SpaceError, match="--workers must be auto or at least 1, got 0"):
        place("cpu", 0, gpus=0)
