"""Taking up a trial: its parameters are drawn, or were, and become its configuration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.samplers import BaseSampler
from optuna.trial import Trial

from ...spaces.space import SearchSpace
from ...studies import attributes
from ...training.config import TrialConfig
from ...training.machine.numerics import ON_A_CPU, Numerics
from .configure import configure, read_config
from .enqueued import with_branches
from .model_copies import ModelCopies
from .suggest import suggest


@dataclass(frozen=True, slots=True)
class Claim:
    """A trial that this process now owns.

    `curve` is its objective by epoch, as far as it came before; `broke` the error that it was put back to waiting with.
    """

    number: int
    params: dict[str, Any]
    config: TrialConfig
    curve: Mapping[int, float] = field(default_factory=dict)
    broke: str = ""


@dataclass(frozen=True, slots=True)
class Claimer:
    """Gives a trial that was just taken what it is to run with, and writes that down in its attributes.

    `sampler` builds the sampler for a trial number; `numerics` is what `auto` in a configuration means on this
    machine, `models` what trials load models from.
    """

    space: SearchSpace
    sampler: Callable[[int], BaseSampler]
    numerics: Numerics = ON_A_CPU
    models: ModelCopies = field(default_factory=ModelCopies)

    def __call__(self, trial: Trial) -> Claim:
        """The configuration of a trial: a new one, or that which it began with, whatever the space says now.

        Raises:
            SpaceError: what was enqueued is not in the space.
            StudyError: another version saved its configuration.
        """
        saved = trial.user_attrs.get(attributes.CONFIG)
        config, params = self._draw(trial) if saved is None else (read_config(saved), trial.params)
        source = str(trial.user_attrs.get(attributes.MODEL_SOURCE, "")) or self.models.digest(config.model)
        if source:
            trial.set_user_attr(attributes.MODEL_SOURCE, source)
        curve = dict(trial._cached_frozen_trial.intermediate_values)
        broke = trial.user_attrs.get(attributes.BROKE, "")
        return Claim(trial.number, params, self.models.place(config, source), curve, broke)

    def _draw(self, trial: Trial) -> tuple[TrialConfig, dict[str, Any]]:
        trial._fixed_params = with_branches({**trial._fixed_params, **trial.params}, self.space)
        trial.study.sampler = self.sampler(trial.number)  # known only now: a waiting trial has an earlier number
        params = suggest(trial, self.space)
        config = self.numerics.settle(configure(self.space, params))
        trial.set_user_attr(attributes.CONFIG, config.model_dump_json())
        return config, params
