"""Optimisers from their sections: a builder for each, by its name."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn
from torch.optim import SGD, Optimizer, RMSprop
from torch.optim import Adam as TorchAdam
from torch.optim import AdamW as TorchAdamW

from ...common.registry import Registry
from ...errors import TrainingError
from .config import Adam, AdamW, Muon, OptimizerConfig, RmsProp, Sgd
from .groups import Group, parameter_groups
from .muon import MuonWithAdamW, hidden_matrices
from .uncompiled import uncompiled

# by the `name` of the section that describes the optimiser, which is what the builder is given
OPTIMIZERS: Registry[Callable[[Any, nn.Module, list[Group]], Optimizer]] = Registry("optimizer", error=TrainingError)


def build_optimizer(
    config: OptimizerConfig, model: nn.Module, lr_scales: Mapping[str, float] | None = None
) -> Optimizer:
    """Build the optimiser of `config` over the trainable parameters of `model`.

    The model must be on its device already.

    Fused kernels where torch has them: one pass over the parameters on CUDA, and on a CPU faster than or equal to the
    others. `lr_scales` are shares of the learning rate by parameter name, 1 where nothing is said.

    Raises:
        TrainingError: the model has nothing to train, or nothing that the optimiser is made for.
    """
    groups = parameter_groups(model, config.weight_decay, lr_scales or {})
    return OPTIMIZERS.find(config.name)(config, model, groups)


@OPTIMIZERS.register("sgd")
def _sgd(config: Sgd, model: nn.Module, groups: list[Group]) -> Optimizer:
    nesterov = config.nesterov and config.momentum > 0  # torch refuses Nesterov without momentum
    return uncompiled(SGD)(groups, lr=config.lr, momentum=config.momentum, nesterov=nesterov, fused=True)


@OPTIMIZERS.register("adam")
def _adam(config: Adam, model: nn.Module, groups: list[Group]) -> Optimizer:
    return uncompiled(TorchAdam)(groups, lr=config.lr, betas=(config.beta1, config.beta2), fused=True)


@OPTIMIZERS.register("adamw")
def _adamw(config: AdamW, model: nn.Module, groups: list[Group]) -> Optimizer:
    return uncompiled(TorchAdamW)(groups, lr=config.lr, betas=(config.beta1, config.beta2), fused=True)


@OPTIMIZERS.register("rmsprop")
def _rmsprop(config: RmsProp, model: nn.Module, groups: list[Group]) -> Optimizer:
    return uncompiled(RMSprop)(
        groups, lr=config.lr, alpha=config.alpha, momentum=config.momentum, centered=config.centered
    )


@OPTIMIZERS.register("muon")
def _muon(config: Muon, model: nn.Module, groups: list[Group]) -> Optimizer:
    return uncompiled(MuonWithAdamW)(groups, hidden_matrices(model), config)
