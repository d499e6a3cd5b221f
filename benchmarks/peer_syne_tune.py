"""Syne Tune's schedulers, asked and told in lines of JSON: the other side of search_syne_tune.py.

It is run by the Python of an environment that has syne-tune, and needs nothing else.
"""

import json
import logging
import sys
from datetime import datetime
from typing import Any

from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import choice, loguniform, uniform
from syne_tune.optimizer.baselines import ASHA, BOHB

ANSWER = "answer: "  # the packages print, too
KINDS = {"asha": ASHA, "bohb": BOHB}
RANGES = {"log": loguniform, "linear": uniform, "choice": lambda *choices: choice(list(choices))}


class Search:
    """One search by a scheduler; trials are known by number."""

    def __init__(self, kind: str, how: str, space: dict[str, list[Any]], epochs: int, seed: int) -> None:
        self._scheduler = KINDS[kind](
            {key: RANGES[scale](*values) for key, (scale, *values) in space.items()} | {"epochs": epochs},
            metric="loss",
            mode="min",
            resource_attr="epoch",
            max_resource_attr="epochs",
            grace_period=1,
            reduction_factor=4,
            type=how,
            random_seed=seed,
        )
        self._trials: dict[int, Trial] = {}

    def begin(self, number: int) -> Any:
        """Return the configuration of a new trial, the number of a paused one, or None."""
        suggestion = self._scheduler.suggest(number)
        if suggestion is None:
            return None
        if not suggestion.spawn_new_trial_id:
            return suggestion.checkpoint_trial_id
        self._trials[number] = Trial(number, suggestion.config, datetime.now())
        self._scheduler.on_trial_add(self._trials[number])
        return suggestion.config

    def report(self, number: int, epoch: int, loss: float) -> str:
        """Return CONTINUE, PAUSE or STOP."""
        trial, decision = self._trials[number], self._told(number, epoch, loss)
        if decision == "STOP":
            self._scheduler.on_trial_remove(trial)
        return decision

    def complete(self, number: int, epoch: int, loss: float) -> None:
        """Tell the last epoch of a trial."""
        if self._told(number, epoch, loss) == "CONTINUE":
            self._scheduler.on_trial_complete(self._trials[number], {"loss": loss, "epoch": epoch})

    def _told(self, number: int, epoch: int, loss: float) -> str:
        return str(self._scheduler.on_trial_result(self._trials[number], {"loss": loss, "epoch": epoch}))


def main() -> None:
    logging.disable(logging.WARNING)
    search = None
    for line in sys.stdin:
        what, *given = json.loads(line)
        answer = None
        if what == "search":
            search = Search(*given)
        else:
            answer = getattr(search, what)(*given)
        print(f"{ANSWER}{json.dumps(answer)}", flush=True)


if __name__ == "__main__":
    main()
