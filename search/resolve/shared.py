"""What a study shares with other machines, brought into the home where it is missing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...studies.home import Home
from ...studies.shared_files.checkpoint import Checkpoint
from ...studies.shared_files.study_files import SharedNote, shared_files
from ...training.checkpoints.files import BEST, LAST, PARTIAL, epochs_of


def fetch_shared(
    given: str | None,
    noted: SharedNote | None,
    study: str,
    home: Home,
    checkpoints: Mapping[int, Any],
) -> int:
    """Fetch what is not in `home` of a study's files, and of the `checkpoints` that trials point to, by number.

    Returns how many files that was.

    `given` is what the user said of where they are, `noted` what the study says. A model's file that is fetched is
    nobody's whom this account trusts, and not run without its user's word.

    Raises:
        StudyError: something is missing, and cannot be fetched.
    """
    if noted is None:
        return 0
    pointed = {number: Checkpoint.from_json(value) for number, value in checkpoints.items()}
    behind = {n: each for n, each in pointed.items() if each is not None and is_behind(home.trial(study, n), each)}
    files = {path: entry for path, entry in noted.files.items() if not home.study(study, path).exists()}
    if not (behind or files) or (source := shared_files(given, noted, study)) is None:
        return 0
    source.fetch(files, home)
    for number, checkpoint in behind.items():
        source.trial(number).fetch(checkpoint, home.trial(study, number))
    return len(files) + sum(len(each.files) for each in behind.values())


def is_behind(directory: Path, shared: Checkpoint) -> bool:
    """Whether the checkpoint in a trial's folder is not as far as one that is shared."""
    if LAST not in shared.files:  # of a trial that has ended
        return BEST in shared.files and not (directory / BEST).exists()
    here = epochs_of(directory / LAST)
    done = 0 if here is None else here.done
    return done < shared.epoch or (
        done == shared.epoch and PARTIAL in shared.files and not (directory / PARTIAL).exists()
    )
