"""The space that a study suggests to search next, as a file that says why."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ....common.display import visible
from ....errors import SpaceError, StudyError
from ....spaces.load import load_space
from ....spaces.space import SearchSpace
from ....studies import attributes
from ....studies.book.space_changes import changes as changes_between
from ....studies.files import SPACE_FILE, write_text
from ....studies.home import Home
from ....studies.records.effects import TRIALS
from ....studies.records.lookup import newest_study
from ....studies.records.reader import open_to_read
from ....studies.records.study import StudySummary
from ....studies.records.summarise import summarise
from ....studies.records.trial import TrialRecord
from ....studies.shared_files.study_files import SharedNote
from ....studies.study_name import is_study_name
from ...configuration.space_file import SpaceFile
from ...progress.format import ending
from ...resolve.shared import fetch_shared
from .as_file import commented, loads, without_single_branches
from .dimension import Change
from .options import SuggestOptions
from .suggest import Suggestion, suggest


@dataclass(frozen=True, slots=True)
class SuggestedSpace:
    """A space to search next, by `trials` of a study.

    Its priors are those of trial `best`; `changes` are all that is new beside them; `continues` tells that the study
    itself can go on with the space. `text` is the file, `path` where it was written, None where it was not.
    """

    study: str
    trials: int
    best: int
    changes: tuple[Change, ...]
    continues: bool
    text: str
    path: Path | None

    @property
    def command(self) -> str:
        """The command that searches the space."""
        return _command(self.study, str(self.path or "FILE"), continues=self.continues)

    def to_json(self) -> dict[str, Any]:
        """The JSON object of `hpo suggest-space --json`."""
        facts = asdict(self)
        del facts["text"]
        path = None if self.path is None else str(self.path)
        changes = [asdict(change) for change in self.changes]
        return {**facts, "changes": changes, "command": self.command, "space": self.text, "path": path}


def suggest_space(options: SuggestOptions) -> SuggestedSpace:
    """Suggest what to search after a study, as a space file in which comments say why.

    Raises:
        HpoError: there is no such study, it has too few trials or no space, or the file is there already.
    """
    if options.out is not None and options.out.exists():
        raise SpaceError(f"--out {options.out}: is there already; name another file")
    home = Home.locate(options.home)
    store = open_to_read(options.storage, home)
    summary = summarise(store, options.study or newest_study(store))
    space, trials = _searched(options, summary, home), _enough(summary)
    suggestion = suggest(space, [trial.params for trial in trials], loads)
    if not suggestion.space.parameters:
        raise StudyError(
            f"study {visible(summary.study)}: none of its dimensions ever mattered, so there is nothing to search"
        )
    suggestion = without_single_branches(suggestion)
    continues = _continues(summary, space, suggestion.space)
    text = commented(suggestion, [*_head(summary, trials, suggestion, continues=continues)])
    if options.out is not None:
        write_text(options.out, text)
    return SuggestedSpace(
        summary.study, len(trials), trials[0].number, suggestion.changes, continues, text, options.out
    )


def _searched(options: SuggestOptions, summary: StudySummary, home: Home) -> SearchSpace:
    """The space that a study has searched: a given one, else as it was run, which other machines may share.

    Raises:
        SpaceError: it cannot be read.
        StudyError: it is nowhere to be found.
    """
    if options.space is not None:
        return load_space(options.space, SpaceFile)
    if attributes.SPACE in summary.attributes and is_study_name(summary.study):
        fetch_shared(options.checkpoint_dir, SharedNote.of(summary.attributes), summary.study, home, {})
        if (path := home.study(summary.study) / SPACE_FILE).exists():
            return load_space(str(path), SpaceFile)
        why = f"its space is not in this home ({path})"
    else:
        why = "hpo did not make it, so that it has no space"
    raise StudyError(f"study {visible(summary.study)}: {why}; name the file that was searched with --space")


def _continues(summary: StudySummary, before: SearchSpace, after: SearchSpace) -> bool:
    """Whether the study can go on with the suggested space, and its trials teach samplers as before."""
    if attributes.SPACE not in summary.attributes or not after.by_key.keys() <= before.by_key.keys():
        return False
    return all(change.acceptable for change in changes_between(before.canonical(), after.canonical()))


def _head(
    summary: StudySummary, trials: Sequence[TrialRecord], suggestion: Suggestion, *, continues: bool
) -> Iterator[str]:
    """The lines at the top of the file."""
    yield f"What to search next, by the {len(trials)} trials of study {summary.study}; hpo suggest-space wrote this."
    yield f"Priors are what trial {trials[0].number}, the best one, has; in other branches what the best there has."
    yield f"Search it with: {_command(summary.study, 'THIS_FILE', continues=continues)}"
    if not suggestion.changes:
        yield "Nothing but priors has changed: of nothing else are the trials sure enough."


def _command(study: str, file: str, *, continues: bool) -> str:
    named = shlex.quote(study)
    how = f"--study {named} --accept-space-change" if continues else f"--study NEW --warm-start {named}"
    return f"hpo run --space {shlex.quote(file)} {how}"


def _enough(summary: StudySummary) -> list[TrialRecord]:
    """The trials that tell something, the best first.

    Raises:
        StudyError: they are too few.
    """
    trials = summary.best_first()
    if len(trials) < TRIALS:
        raise StudyError(
            f"study {visible(summary.study)}: a space follows from {TRIALS} trials that have ended or wait at a rung, "
            f"got {len(trials)}; go on with the search until there are as many"
        )
    if (cause := trials[0].cause) is not None:
        raise StudyError(
            f"study {visible(summary.study)}: no space follows where all trials went wrong, the first: {ending(cause)}"
        )
    return trials
