"""The claim of a trial: from its parameters to its configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from ...errors import SpaceError, StudyError
from ...spaces.configurations import count
from ...spaces.space import SearchSpace
from ...studies import attributes
from ...studies.book.open_study import DATA_PATHS
from ...studies.book.terms import Beginning, Exhausted, Opening
from ...studies.lineage import extended_trial
from ...training.config import TrialConfig
from ...training.machine.numerics import ON_A_CPU, Numerics
from ..strategy.proposers.finished import finished
from ..strategy.proposers.suggest import distributions
from ..strategy.strategy import Strategy
from .configure import configure, read_config
from .enqueued import with_branches
from .model_copies import ModelCopies

MAX_ORPHANED = 3
"""How often a coordinator may die under a trial, with no epoch recorded in between, before the trial is refused.

One that takes all of a container's memory takes the coordinator down, too, and would do so in every run. Two deaths may
be the machine's.
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A trial that this process now owns.

    `curve` is its objective by epoch in former runs; `broke` the error that it was put back to waiting with;
    `generation` the number of this claim, which tells a worker of this one from those of earlier ones; `extends` the
    trial whose configuration it trains for longer, None for none.
    """

    number: int
    params: dict[str, Any]
    config: TrialConfig
    curve: Mapping[int, float] = field(default_factory=dict)
    broke: str = ""
    generation: int = field(default=1, compare=False)
    extends: int | None = None


@dataclass(frozen=True, slots=True)
class Claimer:
    """Gives a trial its configuration, and what is recorded of it.

    `strategy` proposes it; `numerics` is what `auto` in a configuration means on this machine, `models` what trials
    load models from.
    """

    space: SearchSpace
    strategy: Strategy
    numerics: Numerics = ON_A_CPU
    models: ModelCopies = field(default_factory=ModelCopies)

    def __call__(self, trial: Opening) -> Beginning[Claim] | Exhausted:
        """Begin a trial with its saved configuration or a new one.

        A trial that began keeps its configuration, though the space has changed since. It is refused where what was
        enqueued is not in the space, another version saved its configuration, or it takes its coordinators down.
        """
        params: Mapping[str, Any] = {}
        notes: dict[str, Any] = {}
        try:
            _check_orphaned(trial)
            if (saved := trial.attributes.get(attributes.CONFIG)) is None:
                # values drawn by somebody else are kept, as those that were enqueued are
                fixed = with_branches({**trial.fixed, **trial.params}, self.space)
                news = trial.news()
                for ended in news.finished:
                    self.strategy.tell(finished(ended, outdated=self._is_outdated(ended.params, ended.user_attrs)))
                proposed = self.strategy.propose(trial.number, fixed, news.running)
                if proposed is None:
                    size = self.strategy.size()
                    return Exhausted(int(size), "space" if size == count(self.space) else "grid")
                params = proposed
                config = self.numerics.settle(configure(self.space, params))
                notes[attributes.CONFIG] = config.model_dump_json()
            else:
                config = read_config(saved)
            # an older version kept no digest: such a trial goes on with the file as it is now
            source = str(trial.attributes.get(attributes.MODEL_SOURCE, "")) or self.models.digest(config.model)
            if source:
                notes[attributes.MODEL_SOURCE] = source
            broke = trial.attributes.get(attributes.BROKE, "")
            model = self.models.use_copy(config, source)
        except (SpaceError, StudyError) as error:
            return self._beginning(None, params, {}, str(error))
        extends, params_now = extended_trial(trial.attributes.get(attributes.ORIGIN)), {**trial.params, **params}
        claim = Claim(trial.number, params_now, model, dict(trial.curve), broke, trial.generation, extends)
        return self._beginning(claim, params, notes)

    def _is_outdated(self, params: Mapping[str, Any], notes: Mapping[str, Any]) -> bool:
        """Whether a finished trial's parameters would make another configuration now.

        It is asked where there is an end to what can be proposed, so that nothing is tried twice.
        """
        if attributes.CONFIG not in notes or not isfinite(self.strategy.size()):
            return False
        try:
            before, now = read_config(notes[attributes.CONFIG]), configure(self.space, params)
            source = self.models.digest(now.model)
        except (SpaceError, StudyError):
            return True
        edited = source != notes.get(attributes.MODEL_SOURCE, "")
        # where images lie and what `auto` means here make no other configuration, nor does where a model's file lies
        places = {key.removeprefix("data.") for key in DATA_PATHS}
        same: dict[str, Any] = {"precision": True, "compile": True, "data": places}
        same |= {"model": {"name"}} if source else {}
        return edited or before.model_dump(exclude=same) != now.model_dump(exclude=same)

    def _beginning(
        self, claim: Claim | None, params: Mapping[str, Any], notes: Mapping[str, Any], refusal: str = ""
    ) -> Beginning[Claim]:
        return Beginning(claim, params, distributions(self.space), notes, refusal)


def _check_orphaned(trial: Opening) -> None:
    times = (trial.attributes.get(attributes.ORPHANED) or {}).get("times", 0)
    if times >= MAX_ORPHANED:
        raise StudyError(f"its coordinator died {times} times before another epoch of it had ended")
