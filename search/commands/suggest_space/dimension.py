"""What becomes of one dimension, by what the trials of a study tell of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ....spaces.describe import values_of
from ....spaces.dump import flow
from ....spaces.parameter import Choice, Parameter
from ....spaces.space import Fixed
from ....studies.records.edges import Edge
from ....studies.records.effects import Effect
from ...progress.best_have import middle
from ...progress.format import with_interval
from .choices import bad_choices
from .ranges import Range, narrowed, widened


@dataclass(frozen=True, slots=True)
class Change:
    """What has become of dimension `key`, and why: `evidence` quotes the study."""

    key: str
    kind: Literal["fixed", "narrowed", "widened", "left out"]
    evidence: str

    @property
    def words(self) -> str:
        """The line for people, without the key."""
        return f"{self.kind}: {self.evidence}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What trials tell of a dimension: its effect, None where too few have it, and the ends at which the best lie."""

    effect: Effect | None
    edges: Sequence[Edge]


def follow(
    parameter: Parameter, evidence: Evidence, fits: Callable[[Parameter], bool]
) -> tuple[Parameter | Fixed, list[Change]]:
    """The dimension, or the value, that follows from a dimension whose prior is what the best trial has; its changes.

    `fits` tells whether the space may have another dimension in its place.
    """
    effect = evidence.effect
    is_branching = isinstance(parameter, Choice) and parameter.branching
    if effect is not None and effect.never_mattered and parameter.has_prior and not is_branching:
        value = _in_few_digits(parameter, parameter.prior)
        why = f"{flow(value)}, as in the best trial that has it; it never mattered: {deciding(effect)}"
        return Fixed(parameter.key, value, parameter.condition), [Change(parameter.key, "fixed", why)]
    if isinstance(parameter, Choice):
        return (parameter, []) if effect is None else _without_bad(parameter, effect)
    return _moved(parameter, evidence, fits)


def with_prior(parameter: Parameter, priors: Mapping[str, Any]) -> Parameter:
    """The dimension with its prior among `priors`, by key; with none where there is none."""
    if isinstance(parameter, Choice):
        place = parameter.position(priors[parameter.key]) if parameter.key in priors else None
        return replace(parameter, prior_index=place, confidence=None)
    return replace(parameter, prior=priors.get(parameter.key), confidence=None)


def _in_few_digits(parameter: Parameter, value: Any) -> Any:
    """A value as people write it, where that is one of the dimension, too."""
    rounded = float(f"{value:.3g}") if isinstance(value, float) else value
    return rounded if parameter.contains(rounded) else value


def deciding(effect: Effect) -> str:
    """How much a dimension decides, in words: `it decides 0.31 (95 %: 0.12 to 0.50) of who is best, of 80 trials`."""
    share = with_interval(effect.importance, (effect.low, effect.high), 2)
    return f"it decides {share} of who is best, of {effect.trials} trials"


def _without_bad(choice: Choice, effect: Effect) -> tuple[Choice, list[Change]]:
    bad = [(share, chance) for share, chance in bad_choices(effect) if share.value != choice.prior]
    left = [each for each in choice.choices if each not in [share.value for share, _ in bad]]
    place = left.index(choice.prior) if choice.has_prior else None
    return replace(choice, choices=tuple(left), prior_index=place), [
        Change(
            choice.key,
            "left out",
            f"{flow(share.value)}, which {share.best} of the {effect.best} best have and {share.trials} of all "
            f"{effect.trials} trials: so few by chance with probability {chance:.1g}",
        )
        for share, chance in bad
    ]


def _moved(parameter: Range, evidence: Evidence, fits: Callable[[Parameter], bool]) -> tuple[Range, list[Change]]:
    """The range, narrowed about the best and then widened where they lie at an end."""
    moved, changes, effect = parameter, [], evidence.effect
    if effect is not None and effect.mattered and effect.region is not None:
        moved = narrowed(parameter, effect.region)
        if moved != parameter:
            where = f"eight in ten of the {effect.best} best lie in {middle(effect.region)}"
            why = f"from {values_of(parameter)}, as {where}; {deciding(effect)}"
            changes.append(Change(parameter.key, "narrowed", why))
    for edge in (each for each in evidence.edges if each.key == parameter.key):
        before, moved = moved, widened(moved, edge.end, fits)
        if moved != before:
            which = f"{edge.agreeing} of the {edge.best} best lie in the {edge.end} tenth"
            changes.append(Change(parameter.key, "widened", f"from {values_of(parameter)}, as {which} of that"))
    return moved, changes
