"""The gain of a search over its first guess, in a line."""

from collections import Counter
from collections.abc import Iterable

from ...studies.records.study import StudySummary
from ...studies.records.trial import PAUSED, TrialRecord
from .format import number_of


def gain(summary: StudySummary) -> str:
    """Describe the gain of a search in a line.

    `0.5722 -> 0.9889 since trial 0; 9 of 24 trials stopped early; 31 % of the epochs saved`. The first value is that of
    the first trial that came to its end, which are the priors of the space, or what somebody enqueued. Under rungs it
    may be a later one, chosen already. An epoch is saved where a trial ended before the last one of its budget; those
    of paused trials are saved so far. A trial that was cut short, by diverging or a constraint, saves nothing. Empty
    where there is no second trial to speak of.
    """
    ended = [trial for trial in summary.trials if trial.config and trial.state in ("complete", "pruned", PAUSED)]
    trained = [trial for trial in ended if not trial.cut_short]
    first = next((trial for trial in trained if trial.state == "complete" and trial.value is not None), None)
    if len(trained) < 2 or first is None or summary.best is None:
        return ""
    states = Counter(trial.state for trial in trained)
    is_first_guess = not summary.rungs or first.number == trained[0].number
    parts = [] if summary.front else [_since(first, summary.best, is_first_guess=is_first_guess)]
    if states["pruned"]:
        parts.append(f"{states['pruned']} of {len(trained)} trials stopped early")
    if states[PAUSED]:
        parts.append(f"{states[PAUSED]} of {len(trained)} trials paused")
    saved = _saved(trained)
    if round(100 * saved) > 0:  # "0 % saved" is no gain
        parts.append(f"{saved:.0%} of the epochs saved".replace("%", " %") + (" so far" if states[PAUSED] else ""))
    return "; ".join(parts)


def _since(first: TrialRecord, best: TrialRecord, *, is_first_guess: bool) -> str:
    named = f"trial {first.number}" + ("" if is_first_guess else ", the first that ran to its end")
    if best.number != first.number:
        return f"{number_of(first.value)} -> {number_of(best.value)} since {named}"
    return f"{named}, the first guess, is still the best" if is_first_guess else f"{named}, is still the best"


def _saved(trials: Iterable[TrialRecord]) -> float:
    """The share of planned epochs that were not trained, in [0, 1]."""
    planned, done = 0, 0  # a trial of another version does not say what it planned: it saves nothing
    for trial in trials:
        planned, done = planned + max(trial.planned_epochs or 0, trial.epochs), done + trial.epochs
    return 1 - done / planned if planned else 0.0
