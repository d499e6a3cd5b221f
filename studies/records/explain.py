"""The parameter that best explains why some trials failed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, lgamma
from typing import Any, Literal

Sign = Literal["<=", ">=", "="]

LEVEL = 0.01
"""How probable it may be that some parameter explains as much by chance: of a hundred causes one is explained so."""

ENDS = 20
"""Ends of ranges that are tried for a parameter: more tell the same, and each counts against the others."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The values of `key` with which trials failed: `failed` of `count` there, `failed_elsewhere` of `elsewhere`.

    `chance` is the probability of as much by chance: of Fisher's exact test, one-sided, times the number of the ranges
    and values that were tried (Bonferroni).
    """

    key: str
    sign: Sign
    value: Any
    failed: int
    count: int
    failed_elsewhere: int
    elsewhere: int
    chance: float


def explain(failed: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]) -> Explanation | None:
    """Return what explains best that the trials with parameters `failed` did, and `others` did not.

    None where no parameter does. A trial that lacks a parameter, since it is in another branch, has none of its values.
    """
    tried: list[tuple[str, Sign, Any]] = [
        (key, sign, value) for key in _keys(failed) for sign, value in _values(key, failed)
    ]
    best: Explanation | None = None
    for key, sign, value in tried:
        inside = sum(_holds(params, key, sign, value) for params in failed)
        beside = sum(_holds(params, key, sign, value) for params in others)
        chance = len(tried) * chance_of_as_many(inside, len(failed), beside, len(others))
        explanation = Explanation(
            key, sign, value, inside, inside + beside, len(failed) - inside,
            len(failed) + len(others) - inside - beside, min(chance, 1.0),
        )  # fmt: skip
        if best is None or explanation.chance < best.chance:
            best = explanation
    return best if best is not None and best.chance <= LEVEL else None


def _keys(failed: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from dict.fromkeys(key for params in failed for key in params)


def _values(key: str, failed: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Sign, Any]]:
    """The ranges and values of a parameter with which a trial failed."""
    own = [params[key] for params in failed if key in params]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in own):
        for value in dict.fromkeys(own):
            yield "=", value
        return
    ends = sorted(set(own))
    for end in ends[:: max(1, -(-len(ends) // ENDS))]:
        yield "<=", end
        yield ">=", end


def _holds(params: Mapping[str, Any], key: str, sign: Sign, value: Any) -> bool:
    if key not in params:
        return False
    if sign == "=":
        return bool(params[key] == value)
    return bool(params[key] <= value if sign == "<=" else params[key] >= value)


def chance_of_as_many(inside: int, failed: int, beside: int, others: int) -> float:
    """The probability that of `inside + beside` trials at random as many or more had `failed`: Fisher's exact test."""
    count, total = inside + beside, failed + others
    whole = _log_choose(total, count)
    most = min(count, failed)
    logs = (_log_choose(failed, k) + _log_choose(others, count - k) - whole for k in range(inside, most + 1))
    return sum(exp(log) for log in logs)


def _log_choose(total: int, count: int) -> float:
    return lgamma(total + 1) - lgamma(count + 1) - lgamma(total - count + 1)
