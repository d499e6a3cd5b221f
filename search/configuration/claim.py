"""The claim of a trial: from its parameters to its configuration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.samplers import BaseSampler
from optuna.trial import Trial

from ...spaces.space import SearchSpace
from ...studies import attributes
from ...training.config import TrialConfig
from ...training.machine.numerics import ON_A_CPU, Numerics
from ..strategy.proposers.suggest import suggest
from .configure import configure, read_config
from .enqueued import with_branches
from .model_copies import ModelCopies


@dataclass(frozen=True, slots=True)
class Claim:
    """A trial that this process now owns.

    `curve` is its objective by epoch in former runs; `broke` the error that it was put back to waiting with.
    """

    number: int
    params: dict[str, Any]
    config: TrialConfig
    curve: Mapping[int, float] = field(default_factory=dict)
    broke: str = ""


@dataclass(frozen=True, slots=True)
class Claimer:
    """Gives a trial its configuration, and records that in its attributes.

    `sampler` builds the sampler for a trial number; `numerics` is what `auto` in a configuration means on this
    machine, `models` what trials load models from.
    """

    space: SearchSpace
    sampler: Callable[[int], BaseSampler]
    numerics: Numerics = ON_A_CPU
    models: ModelCopies = field(default_factory=ModelCopies)

    def __call__(self, trial: Trial) -> Claim:
        """Claim a trial, giving it its saved configuration or a new one.

        A trial that began keeps its configuration, though the space has changed since.

        Raises:
            SpaceError: what was enqueued is not in the space.
            StudyError: another version saved its configuration.
        """
        saved = trial.user_attrs.get(attributes.CONFIG)
        config, params = self._draw(trial) if saved is None else (read_config(saved), trial.params)
        # an older version kept no digest: such a trial goes on with the file as it is now
        source = str(trial.user_attrs.get(attributes.MODEL_SOURCE, "")) or self.models.digest(config.model)
        if source:
            trial.set_user_attr(attributes.MODEL_SOURCE, source)
        curve = dict(trial._cached_frozen_trial.intermediate_values)  # as of the claim, without asking the store again
        broke = trial.user_attrs.get(attributes.BROKE, "")
        return Claim(trial.number, params, self.models.use_copy(config, source), curve, broke)

    def _draw(self, trial: Trial) -> tuple[TrialConfig, dict[str, Any]]:
        # Optuna has no public way to fix the values of a trial after `ask`; those drawn by somebody else are kept, too
        trial._fixed_params = with_branches({**trial._fixed_params, **trial.params}, self.space)
        trial.study.sampler = self.sampler(trial.number)  # known only now: a waiting trial has an earlier number
        params = suggest(trial, self.space)
        config = self.numerics.settle(configure(self.space, params))
        trial.set_user_attr(attributes.CONFIG, config.model_dump_json())
        return config, params
