"""What must hold of coordinators that share a study, holds in every state that their protocol can reach.

From every state the search can still come to its end. Each rule of the protocol is needed: without it some order of
steps breaks something.
"""

import pytest

from .protocol import BrokenError, Rules, State, explore


@pytest.mark.parametrize(
    "begin",
    [
        State(),
        State(deaths=1),
        State(suspicions=1),
        State(interrupts=1),
        pytest.param(State(deaths=1, suspicions=1, interrupts=1), marks=pytest.mark.slow),
    ],
    ids=["nothing", "a death", "a suspicion", "an interrupt", "all of it"],
)
def test_in_every_order_of_steps_the_search_keeps_its_promises(begin: State) -> None:
    assert explore(begin, Rules()) > 500


@pytest.mark.parametrize(
    ("rules", "begin", "words"),
    [
        (Rules(fenced=False), State(suspicions=1), "somebody else|has ended"),
        (Rules(decided_before_sent=False), State(deaths=1), "not end as was decided"),
        (Rules(one_step=False), State(), "more trials were begun"),
        (Rules(killed_before_released=False), State(interrupts=1), "two workers"),
        (Rules(paused_as_decided=False), State(deaths=1), "that was to pause"),
        (Rules(cleared=False), State(), "paused twice"),
        (Rules(settled_when_idle=False), State(), "not end as was decided"),
    ],
    ids=["fence", "decision", "claim", "kill", "put back", "cleared", "settled"],
)
def test_every_rule_of_the_protocol_is_needed(rules: Rules, begin: State, words: str) -> None:
    with pytest.raises(BrokenError, match=words):
        explore(begin, rules)
