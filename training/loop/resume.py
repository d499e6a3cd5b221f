"""Resuming from a checkpoint of the same training."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from ...common.faults import needs_new_process
from ..checkpoints.checkpoint import CheckpointError, State, load, load_pair, remove_partial, set_aside
from ..checkpoints.files import BEST, LAST, PARTIAL
from ..checkpoints.training_folder import CONFIG, RESULT
from ..config import TrialConfig
from ..data.pack import Pack
from ..length import begins_as
from ..machine.memory import is_out_of_memory
from ..models.config import CustomModel
from ..models.source import source_digest, split_name
from ..saved_config import read_saved
from .learner import Learner

Identity = dict[str, Any]

_log = logging.getLogger(__name__)


def identity_of(config: TrialConfig, pack: Pack, fit_on: str, last_epoch: int | None) -> Identity:
    """Return what a checkpoint must agree on to be continued.

    That is everything that decides the numbers of a training.
    """
    return {
        "config": _without_folder(config).model_dump_json(),
        "pack": pack.fingerprint,
        "fit_on": fit_on,
        "model_source": source_digest(config.model.name) if isinstance(config.model, CustomModel) else "",
        "last_epoch": last_epoch,
    }


def _without_folder(config: TrialConfig) -> TrialConfig:
    """`config` with a user's model named by its file alone.

    A model file may move between machines; its content counts, by its digest in the identity.
    """
    if not isinstance(config.model, CustomModel):
        return config
    path, name = split_name(config.model.name)
    return config.model_copy(update={"model": config.model.model_copy(update={"name": f"{path.name}:{name}"})})


class Resumed(NamedTuple):
    """A learner, and the checkpoints that it goes on from.

    `last` is that of the last whole epoch, also where that is of the fold before, `partial` that of the part of the
    next one; None where there is none.
    """

    learner: Learner
    last: State | None
    partial: State | None


def resume(
    directory: Path, identity: Identity, create: Callable[[], Learner], note: Callable[[str], None], fold: int = 0
) -> Resumed:
    """Return a learner where the training of `fold` in `directory` left it, or a fresh one.

    A checkpoint that is corrupt or belongs to another training is not lost: it is moved to `set-aside-<n>` beside it,
    and training starts anew. The part of an epoch that cannot be used is removed, and the epoch begins anew. `note` and
    the log are told of either.
    """
    learner, last = _resume_last(directory, identity, create, note, fold)
    epoch = 1 + (0 if last is None else len(last["history"]))
    try:
        partial = _load_partial(directory, identity, epoch, fold)
        if partial is not None:
            learner.load(partial)
        return Resumed(learner, last, partial)
    except (CheckpointError, RuntimeError, ValueError, KeyError) as error:
        _raise_of_machine(error)
        remove_partial(directory)
        _tell(f"{error}; epoch {epoch} begins anew", note)
        return resume(directory, identity, create, note, fold)  # with a new learner: this one may be half loaded


def _resume_last(
    directory: Path, identity: Identity, create: Callable[[], Learner], note: Callable[[str], None], fold: int
) -> tuple[Learner, State | None]:
    learner = create()
    try:
        state = load_own(directory, identity)
        if state is not None and state.get("fold", 0) == fold:  # else of the fold before
            learner.load(state)
        return learner, state
    except (CheckpointError, RuntimeError, ValueError, KeyError) as error:
        _raise_of_machine(error)
        moved_to = set_aside(directory, (CONFIG, RESULT))
        _tell(f"{error}; moved to {moved_to}, training starts anew", note)
        return create(), None  # a new learner: the old one may be half loaded


def _raise_of_machine(error: Exception) -> None:
    """Raise `error` where it says nothing about the checkpoint: a card that is full or broken."""
    if is_out_of_memory(error) or needs_new_process(error):
        raise error


def _tell(line: str, note: Callable[[str], None]) -> None:
    _log.warning(line)
    note(line)


def _load_partial(directory: Path, identity: Identity, epoch: int, fold: int) -> State | None:
    """The part of epoch `epoch`, counted over all folds; None where there is none."""
    path = directory / PARTIAL
    if not path.exists():
        return None
    state = load(path)
    _check_own(path, state, identity)
    if state["epoch"] == epoch and state.get("fold", 0) in (fold, fold + 1):
        # of the fold after this one, which has ended and is looked at once more
        return state if state.get("fold", 0) == fold else None
    remove_partial(directory)  # its epoch has ended since, or the checkpoint that it began from is not there
    return None


def load_own(directory: Path, identity: Identity) -> State | None:
    """Return the checkpoint of the training in `directory`; None where there is none.

    Raises:
        CheckpointError: it is corrupt, or of another training.
    """
    state = load_pair(directory)
    if state is None:
        # best.ckpt alone: somebody removed last.ckpt. Overwriting the best weights without a word would lose them.
        if (directory / BEST).exists():
            raise CheckpointError(f"{directory / BEST}: there is no {LAST} beside it")
        return None
    _check_own(directory / LAST, state, identity)
    return state


def _check_own(path: Path, state: State, identity: Identity) -> None:
    """Refuse a checkpoint of another training."""
    saved = state["identity"]
    differing = [key for key, value in identity.items() if not _same(key, saved.get(key), value)]
    if differing:
        raise CheckpointError(f"{path}: belongs to another training, its {', '.join(differing)} differs")


def _same(key: str, saved: Any, value: Any) -> bool:
    """Whether one entry of two identities is the same, configurations by their meaning.

    That of a shorter training is the same where the longer one begins with it.
    """
    if saved == value or key != "config":
        return bool(saved == value)
    try:
        # read as this version reads it: what it has beyond the version that saved it has its default
        return begins_as(read_saved(value), read_saved(saved))
    except ValidationError:
        return False  # of a version that had more than this one
