"""Optimisers from their configuration: one builder for each, registered by the section that describes it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from torch import nn
from torch.optim import SGD, Optimizer, RMSprop
from torch.optim import Adam as TorchAdam
from torch.optim import AdamW as TorchAdamW

from .config import Adam, AdamW, Muon, OptimizerConfig, RmsProp, Sgd
from .groups import Group, parameter_groups
from .muon import MuonWithAdamW, hidden_matrices
from .uncompiled import uncompiled

Config = TypeVar("Config")
Builder = Callable[[Config, nn.Module, list[Group]], Optimizer]

BUILDERS: dict[type, Builder[Any]] = {}


def builds(config: type[Config]) -> Callable[[Builder[Config]], Builder[Config]]:
    """Register the decorated function as what builds the optimiser that sections of class `config` describe.

    Raises:
        ValueError: there is one already.
    """

    def register(builder: Builder[Config]) -> Builder[Config]:
        if config in BUILDERS:
            raise ValueError(f"an optimiser for {config.__name__} is already registered")
        BUILDERS[config] = builder
        return builder

    return register


def build_optimizer(
    config: OptimizerConfig, model: nn.Module, lr_scales: Mapping[str, float] | None = None
) -> Optimizer:
    """The optimiser of `config` over the trainable parameters of `model`, which must be on its device already.

    Fused kernels where torch has them: one pass over the parameters on CUDA, and on a CPU faster than or equal to the
    others. `lr_scales` are shares of the learning rate by parameter name, 1 where nothing is said.

    Raises:
        TrainingError: the model has nothing to train, or nothing that the optimiser is made for.
    """
    return BUILDERS[type(config)](config, model, parameter_groups(model, config.weight_decay, lr_scales or {}))


@builds(Sgd)
def _sgd(config: Sgd, model: nn.Module, groups: list[Group]) -> Optimizer:
    nesterov = config.nesterov and config.momentum > 0  # torch refuses Nesterov without momentum
    return uncompiled(SGD)(groups, lr=config.lr, momentum=config.momentum, nesterov=nesterov, fused=True)


@builds(Adam)
def _adam(config: Adam, model: nn.Module, groups: list[Group]) -> Optimizer:
    return uncompiled(TorchAdam)(groups, lr=config.lr, betas=(config.beta1, config.beta2), fused=True)


@builds(AdamW)
def _adamw(config: AdamW, model: nn.Module, groups: list[Group]) -> Optimizer:
    return uncompiled(TorchAdamW)(groups, lr=config.lr, betas=(config.beta1, config.beta2), fused=True)


@builds(RmsProp)
def _rmsprop(config: RmsProp, model: nn.Module, groups: list[Group]) -> Optimizer:
    return uncompiled(RMSprop)(
        groups, lr=config.lr, alpha=config.alpha, momentum=config.momentum, centered=config.centered
    )


@builds(Muon)
def _muon(config: Muon, model: nn.Module, groups: list[Group]) -> Optimizer:
    return uncompiled(MuonWithAdamW)(groups, hidden_matrices(model), config)
