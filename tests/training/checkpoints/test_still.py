"""A checkpoint is held still as a pair that belongs together, at whatever moment it is being replaced."""

from pathlib import Path

import pytest
from hpo.training.checkpoints.checkpoint import load, save, save_pair, save_partial
from hpo.training.checkpoints.files import BEST, LAST, NEXT_BEST, PARTIAL, Epochs, epochs_of, remove_checkpoints
from hpo.training.checkpoints.still import hand_on, held_still


def pair(directory: Path, epoch: int, best: int) -> None:
    last = {"history": [{}] * epoch, "best_epoch": best}
    save_pair(directory, last, {"epoch": best} if best == epoch else None)


def held(directory: Path) -> tuple[int, dict[str, int]] | None:
    with held_still(directory) as still:
        if still is None:
            return None
        epochs = {name: epochs_of(path) for name, path in still.files.items()}
        return still.epoch, {name: each.done for name, each in epochs.items() if each}


def test_a_checkpoint_says_its_epochs_without_being_loaded(tmp_path: Path) -> None:
    pair(tmp_path, 3, 3)
    pair(tmp_path, 4, 3)
    assert epochs_of(tmp_path / LAST) == Epochs(4, 3)
    assert epochs_of(tmp_path / BEST) == Epochs(3, 3)
    assert load(tmp_path / LAST)["best_epoch"] == 3
    assert epochs_of(tmp_path / PARTIAL) is None
    (tmp_path / "other").write_bytes(b"x")
    assert epochs_of(tmp_path / "other") is None


def test_what_is_held_stays_though_it_is_replaced(tmp_path: Path) -> None:
    pair(tmp_path, 1, 1)
    with held_still(tmp_path) as still:
        pair(tmp_path, 2, 2)
        assert still is not None
        assert {name: epochs_of(path) for name, path in still.files.items()} == {LAST: (1, 1), BEST: (1, 1)}
    assert {path.name for path in tmp_path.iterdir()} == {LAST, BEST}
    assert held(tmp_path) == (2, {LAST: 2, BEST: 2})


def test_the_part_of_the_next_epoch_belongs_to_it_and_no_other(tmp_path: Path) -> None:
    pair(tmp_path, 2, 2)
    save_partial(tmp_path, {"epoch": 3})
    assert held(tmp_path) == (2, {LAST: 2, BEST: 2, PARTIAL: 3})
    save_partial(tmp_path, {"epoch": 2})
    assert held(tmp_path) == (2, {LAST: 2, BEST: 2})


def test_between_two_renames_the_new_weights_are_taken(tmp_path: Path) -> None:
    pair(tmp_path, 1, 1)
    save(tmp_path / NEXT_BEST, {"epoch": 2})
    assert held(tmp_path) == (1, {LAST: 1, BEST: 1})
    save(tmp_path / LAST, {"history": [{}] * 2, "best_epoch": 2})
    assert held(tmp_path) == (2, {LAST: 2, BEST: 2})


def test_a_pair_that_does_not_match_is_none(tmp_path: Path) -> None:
    assert held(tmp_path) is None
    save(tmp_path / LAST, {"history": [{}] * 2, "best_epoch": 2})
    assert held(tmp_path) is None
    save(tmp_path / BEST, {"epoch": 1})
    assert held(tmp_path) is None


def test_weights_alone_are_what_is_left_of_a_trial_that_has_ended(tmp_path: Path) -> None:
    pair(tmp_path, 3, 3)
    remove_checkpoints(tmp_path, keep=BEST)
    assert held(tmp_path) == (3, {BEST: 3})


def test_a_disk_without_links_has_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.link", refuse)
    pair(tmp_path, 1, 1)
    assert held(tmp_path) == (1, {LAST: 1, BEST: 1})


def test_another_training_goes_on_from_a_checkpoint_and_the_first_keeps_its_own(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    assert hand_on(first, second) == 0
    pair(first, 2, 2)
    save_partial(first, {"epoch": 3})
    assert hand_on(first, second) == 2
    assert held(second) == held(first) == (2, {LAST: 2, BEST: 2, PARTIAL: 3})
    pair(second, 3, 3)
    assert held(first) == (2, {LAST: 2, BEST: 2, PARTIAL: 3})
    assert hand_on(first, second) == 0, "it has one of its own"
    assert epochs_of(second / LAST) == Epochs(3, 3)
    remove_checkpoints(first, keep=BEST)
    assert hand_on(first, tmp_path / "third") == 0, "weights alone are nothing to go on from"
