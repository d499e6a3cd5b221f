"""Reading of `forbid`, the combinations of values that no trial may have.

A list of mappings from keys to values, lists of values, or comparisons such as `"> 0.1"` and `"<= model.width"`: a
configuration for which all entries of a mapping hold is not proposed.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from ..errors import SpaceError, nearest
from .clause import COMPARISONS, Clause, Term
from .configurations import MOST_COUNTED, configurations
from .describe import values_of
from .document import parse_value
from .draw import allowed_draws
from .node import Node, refusal, refuse_all, shown
from .parameter import Choice, Condition, Parameter, Scalar, is_number
from .space import FORBID, Fixed, SearchSpace, branches_of


def read_forbidden(node: Node, space: SearchSpace) -> tuple[Clause, ...]:
    """Read the clauses in `node`, a list of mappings, of a `space` that forbids nothing yet.

    Raises:
        SpaceError: a clause can never hold, for example since its key or value is none of the space's.
    """
    mistakes: list[SpaceError] = []
    clauses = []
    for item in node.items or ():
        terms = []
        for key, value in (item.mapping or {}).items():
            try:
                terms.append(_term(key, value, space))
            except SpaceError as error:
                mistakes.append(error)
        mistakes += _apart(item, terms, space)
        clauses.append(Clause(tuple(terms)))
        if not terms and not mistakes:
            mistakes.append(refusal(item.location, FORBID, f"must say what is forbidden, got {shown(item)}"))
    refuse_all(mistakes)
    return tuple(clauses)


def carried(clauses: Sequence[Clause], own: SearchSpace, space: SearchSpace, changes: Sequence[str]) -> list[Clause]:
    """Return the clauses of `own`, a space as its file says it, that speak of `space`, which `changes` have made of it.

    A choice that has lost its branches but one is no dimension any more, and what is in that branch has lost its name.
    """
    kept = _kept_branches(own, space, changes)
    entries = _entries(space)
    left = []
    for clause in clauses:
        judged = [_carried(term, kept) for term in clause.terms]
        terms = tuple(term for term in judged if isinstance(term, Term))
        if False not in judged and all({term.key, term.other or term.key} <= entries.keys() for term in terms):
            left.append(Clause(terms))
    return left


def possible(clauses: Sequence[Clause], space: SearchSpace) -> tuple[Clause, ...]:
    """Return what of the clauses may still hold in `space`, which has lost choices, branches or ends of ranges."""
    entries = _entries(space)
    left = []
    for clause in clauses:
        judged = [_left(term, entries) for term in clause.terms]
        if False not in judged:
            left.append(Clause(tuple(term for term in judged if isinstance(term, Term))))
    return tuple(left)


def _left(term: Term, entries: Mapping[str, Parameter | Fixed]) -> Term | bool:
    """A term with the values that its dimension still has, or whether it holds for every configuration."""
    entry = entries.get(term.key)
    if entry is None or (term.other and term.other not in entries):
        return False
    if isinstance(entry, Fixed) or term.other:
        return term
    if term.sign == "=":
        values = tuple(value for value in term.values if entry.contains(value))
        return replace(term, values=values) if values else False
    if term.sign == "!=":
        return term if entry.contains(*term.values) else True
    return term if _can_hold(term, entry) else False


def _kept_branches(own: SearchSpace, space: SearchSpace, changes: Sequence[str]) -> dict[str, str]:
    """The branch that is left of a choice, by the key of what has no others any more; parents first."""
    kept: dict[str, str] = {}
    for choice in own.parameters:
        branches = [branch for _, branch in branches_of(choice)]
        key = _renamed(choice.key, kept)
        if branches and key and key not in space.by_key:
            set_to = [change.partition("=")[2].strip() for change in changes if change.partition("=")[0].strip() == key]
            named = [str(space.fixed[name]) for name in (f"{key}.name", f"{key}.kind") if name in space.fixed]
            kept[key] = next((branch for branch in (*reversed(set_to), *named) if branch in branches), "")
    return kept


def _renamed(key: str, kept: Mapping[str, str]) -> str:
    """A key without the names of branches that are the only ones; "" for one in a branch that is gone."""
    for choice, branch in kept.items():
        if key.startswith(f"{choice}."):
            if not branch or not key.startswith(f"{choice}.{branch}."):
                return ""
            key = choice + key[len(choice) + len(branch) + 1 :]
    return key


def _carried(term: Term, kept: Mapping[str, str]) -> Term | bool:
    """A term with the keys of the changed space, or whether it holds there for every configuration."""
    if (key := _renamed(term.key, kept)) in kept:
        return term.holds({term.key: kept[key]})
    other = _renamed(term.other, kept) if term.other else ""
    return replace(term, key=key, other=other) if key and (other or not term.other) else False


def check_left(space: SearchSpace, node: Node) -> None:
    """Refuse a space whose clauses, read from `node`, forbid its priors or all of it.

    Raises:
        SpaceError: they do.
    """
    priors = space.priors()
    whole = len(priors) == sum(1 for _ in space.active(priors))
    if priors and whole and not space.allows(priors):
        number = next(n for n, clause in enumerate(space.forbidden) if not space.allows(priors, (clause,)))
        location = (node.items or (node,))[number].location
        raise refusal(location, FORBID, "forbids the priors, which are tried first; change one of them")
    if next(allowed(space), None) is None:
        raise refusal(node.location, FORBID, "leaves no configuration of the space")


def allowed(space: SearchSpace) -> Iterator[dict[str, Scalar]]:
    """Yield configurations of `space` that are allowed: all where they can be counted, else some at random."""
    order = random.Random(0)
    if space.size() > MOST_COUNTED:
        return allowed_draws(space, order, {})
    return filter(space.allows, configurations(space, order))


def _term(key: str, node: Node, space: SearchSpace) -> Term:
    entries = _entries(space)
    if key not in entries:
        raise refusal(node.location, key, f"neither a dimension nor a value of the space; {nearest(key, entries)}")
    sign, operand = _sign(node)
    if sign and operand in entries:
        return Term(key, sign, other=operand)
    if sign:
        return _possible(Term(key, sign, (parse_value(operand, node.location).value,)), node, entries[key])  # type: ignore[arg-type]
    values = tuple(item.plain() for item in node.items) if node.items is not None else (node.plain(),)
    if not values or not all(isinstance(value, Scalar) for value in values):
        raise refusal(node.location, key, f"must be a value, a list of some or a comparison, got {shown(node)}")
    for value in values:
        _possible(Term(key, "=", (value,)), node, entries[key])
    return Term(key, "=", values)


def _sign(node: Node) -> tuple[str, str]:
    """The comparison that a text begins with, and what follows; ("", "") where it is none."""
    if not isinstance(node.value, str):
        return "", ""
    if node.value.startswith("=="):  # as programmers write it
        return "=", node.value[2:].strip()
    sign = next((sign for sign in COMPARISONS if node.value.startswith(sign)), "")
    return sign, node.value.removeprefix(sign).strip() if sign else ""


def _possible(term: Term, node: Node, entry: Parameter | Fixed) -> Term:
    """Return `term`, if it may hold for a value of its dimension; what is fixed may have been by a flag.

    Raises:
        SpaceError: it never holds.
    """
    if isinstance(entry, Fixed):
        return term
    (operand,) = term.values
    if term.sign in ("=", "!=") and not entry.contains(operand):
        raise refusal(node.location, term.key, f"never has that value, but {values_of(entry)}; got {shown(node)}")
    if term.sign in ("=", "!="):
        return term
    if not is_number(operand) or (isinstance(entry, Choice) and not any(map(is_number, entry.choices))):
        raise refusal(node.location, term.key, f"only numbers are more or less than others, got {shown(node)}")
    if not _can_hold(term, entry):
        raise refusal(node.location, term.key, f"never holds for {values_of(entry)}, got {shown(node)}")
    return term


def _can_hold(term: Term, entry: Parameter) -> bool:
    """Whether a comparison with a number holds for a value of its dimension."""
    ends = entry.choices if isinstance(entry, Choice) else (entry.low, entry.high)
    return any(term.holds({term.key: end}) for end in ends)


def _apart(node: Node, terms: list[Term], space: SearchSpace) -> Iterator[SpaceError]:
    """What of `terms` stands in branches that exclude each other."""
    entries = _entries(space)
    keys = [key for term in terms for key in (term.key, term.other) if key]
    for one, other in combinations(keys, 2):
        if _exclude(entries[one].condition, entries[other].condition):
            yield refusal(node.location, FORBID, f"never holds: no configuration has both {one} and {other}")
            return


def _exclude(one: Condition, other: Condition) -> bool:
    branches = dict(one)
    return any(branches.get(key, branch) != branch for key, branch in other)


def _entries(space: SearchSpace) -> dict[str, Parameter | Fixed]:
    return {entry.key: entry for entry in (*space.parameters, *space.values)}
