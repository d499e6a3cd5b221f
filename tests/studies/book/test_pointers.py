"""What a trial points to moves with its claim: whoever had it last may move it, and nobody who had it before."""

import optuna
from hpo.studies import attributes
from hpo.studies.book.pointers import Pointer

from .store import ENDED, Store


def points_to(store: Store, number: int = 0) -> object:
    return store.trial(number).user_attrs.get(attributes.CHECKPOINT)


def test_a_pointer_moves_while_the_trial_is_claimed_put_back_or_ended(store: Store) -> None:
    book = store.book()
    for number, leave in enumerate((lambda n: None, book.release, lambda n: book.finish(n, ENDED))):
        assert book.claim(9) == number
        assert list(book.move_pointers({number: Pointer(1, {"at": "a"})})) == [number]
        leave(number)
        assert list(book.move_pointers({number: Pointer(1, {"at": "b"})})) == [number]
        assert points_to(store, number) == {"at": "b"}
        if number == 1:
            book.claim(9)  # it waits, and is first in line
    assert book.pointers().keys() == {0, 1, 2}
    assert book.pointers(finished=True) == {2: Pointer(1, {"at": "b"})}
    assert book.pointers()[1].generation == 2
    book.move_pointers({2: Pointer(1, None)})
    assert book.pointers().keys() == {0, 1}
    assert store.book().pointers().keys() == {0, 1}


def test_a_former_owner_cannot_move_the_pointer(store: Store) -> None:
    frozen, other = store.book(), store.book()
    assert frozen.claim(9) == 0
    assert list(frozen.move_pointers({0: Pointer(1, {"at": "theirs"})})) == [0]
    store.kill()
    assert other.recover() == [0]
    assert other.claim(9) == 0
    assert list(frozen.move_pointers({0: Pointer(1, {"at": "late"}), 7: Pointer(1, {"at": "nowhere"})})) == []
    assert points_to(store) == {"at": "theirs"}
    assert list(other.move_pointers({0: Pointer(2, {"at": "ours"})})) == [0]
    assert frozen.pointers() == {0: Pointer(2, {"at": "ours"})}


def test_pointers_of_other_studies_are_not_ours(store: Store) -> None:
    theirs = optuna.create_study(storage=store.storage, study_name="other")
    for _ in range(3):
        theirs.ask().set_user_attr(attributes.CHECKPOINT, {"at": "theirs"})
    book = store.book()
    assert book.claim(9) == 0
    assert book.pointers() == {}
    book.move_pointers({0: Pointer(1, {"at": "ours"})})
    assert book.pointers() == {0: Pointer(1, {"at": "ours"})}
