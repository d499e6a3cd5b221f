"""A few steps of training, observed in every layer.

Gradients, updates, weights and activations.

The learning rate rises to its peak over these steps, as a warm-up would have it; so a healthy training stays healthy,
and the last steps show the rate that is meant. How many steps there are depends on the batch size alone, never on the
speed of the machine: the same configuration shows the same everywhere.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ..loop.learner import Learner

STEPS = 24
"""Steps that are observed at least: enough for a median over the second half."""
LATE_IMAGES = 512
"""Images that the second half of the steps sees at least: a unit that answers to one class alone meets it there."""


@dataclass
class Layer:
    """The weight of one layer, over the second half of the steps.

    `gradient` and `update` are L2 norms as shares of the weight's own (medians over steps), `largest_update` is over
    all steps; `alive` is for each output unit whether any of its weights ever had a gradient, None where the second
    half was not reached: branches that start at zero have no gradient in the first step; `frozen` are not trained,
    `reached` got any gradient.
    """

    name: str
    units: int
    frozen: bool
    reached: bool = False
    gradient: float = math.nan
    update: float = math.nan
    largest_update: float = 0.0
    alive: Tensor | None = None
    gradients: list[float] = field(default_factory=list)
    updates: list[float] = field(default_factory=list)

    @property
    def dead_share(self) -> float:
        """The share of units without any gradient.

        0 where that was not observed.
        """
        return 0.0 if self.alive is None else 1 - self.alive.double().mean().item()


@dataclass(frozen=True)
class Activation:
    """The output of one module over a batch.

    `std` over all its values, `spread` the part of their size that differs between images (0: all images look alike),
    `zeros` the share of exact zeros, `saturated` that of values at the ends of a sigmoid or tanh.
    """

    name: str
    kind: str
    std: float
    spread: float
    zeros: float
    saturated: float


@dataclass(frozen=True)
class Watched:
    """The losses, gradient norms, layers and activations of the steps.

    The mean loss of each step, the gradient norm before clipping.

    `shrinkage` is what is left of the norm of all layers' weights; `finite` whether loss and gradients stayed numbers.
    """

    losses: list[float]
    norms: list[float]
    layers: list[Layer]
    activations: list[Activation]
    shrinkage: float
    finite: bool


def watch(learner: Learner, batches: Iterator[tuple[Tensor, Tensor]], lr: float) -> Watched:
    """Train `learner` up to the learning rate `lr`, observing each step.

    The learner is used up.

    It stops early only where the training breaks, and then `finite` is False.
    """
    learner.model.train()
    layers = [Layer(name, len(p), not p.requires_grad) for name, p in _weights(learner.model)]
    size_before = _size(learner.model)
    losses: list[float] = []
    norms: list[float] = []
    first = next(batches)[0]  # as large as any
    steps = max(STEPS, math.ceil(2 * LATE_IMAGES / len(first)))
    for step in range(steps):
        images, labels = next(batches)
        # a copy: the step overwrites the weights
        old = [weight.detach().clone() for _, weight in _weights(learner.model)]
        loss, _, norm = learner.step(images, labels, lr * (step + 1) / steps)
        losses.append(loss.item())
        norms.append(norm.item())
        if not math.isfinite(losses[-1]) or not _all_finite(learner.model):
            break
        _add_step(layers, learner.model, old, late=step >= steps // 2)
    _settle(layers)
    size_after = _size(learner.model)
    finite = math.isfinite(losses[-1]) and math.isfinite(size_after)
    activations = activations_of(learner, first) if finite else []
    # 1e-30: a model without weights divides by no zero
    return Watched(losses, norms, layers, activations, size_after / max(size_before, 1e-30), finite)


def _weights(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return [(name, p) for name, p in model.named_parameters() if p.ndim >= 2]


def _size(model: nn.Module) -> float:
    weights = [p.detach().float().square().sum() for _, p in _weights(model)]
    return math.sqrt(torch.stack(weights).sum().item()) if weights else 0.0


def _all_finite(model: nn.Module) -> bool:
    return all(bool(p.isfinite().all()) for _, p in _weights(model))


@torch.no_grad()
def _add_step(layers: list[Layer], model: nn.Module, old_weights: list[Tensor], *, late: bool) -> None:
    for layer, (_, weight), old_weight in zip(layers, _weights(model), old_weights, strict=True):
        size = old_weight.norm().item()
        if size > 0:  # a layer that starts at zero has no share to be moved by
            layer.updates.append((weight - old_weight).norm().item() / size)
        if weight.grad is None:
            continue
        layer.reached = True
        layer.gradients.append(weight.grad.norm().item() / max(size, 1e-30))
        if late:
            has_gradient = weight.grad.flatten(1).abs().amax(dim=1) > 0  # [units]
            layer.alive = has_gradient if layer.alive is None else layer.alive | has_gradient


def _settle(layers: list[Layer]) -> None:
    for layer in layers:
        layer.gradient = _late_median(layer.gradients)
        layer.update = _late_median(layer.updates)
        layer.largest_update = max(layer.updates, default=0.0)


def _late_median(values: list[float]) -> float:
    late = sorted(values[len(values) // 2 :])
    return late[len(late) // 2] if late else math.nan


@torch.no_grad()
def activations_of(learner: Learner, images: Tensor) -> list[Activation]:
    """Return the outputs of every innermost module on `images` [B, C, H, W].

    In the order in which they are made.
    """
    activations: list[Activation] = []
    names = {module: name for name, module in learner.model.named_modules() if not list(module.children())}

    def observe(module: nn.Module, _: object, output: object) -> None:
        # from two images on: nothing differs between images in a batch of one
        if isinstance(output, Tensor) and output.is_floating_point() and output.ndim >= 2 and len(output) > 1:
            activations.append(_activation(names[module], module, output.float()))

    hooks = [module.register_forward_hook(observe) for module in names]
    try:
        with learner.precision.autocast():
            learner.model(images)
    finally:
        for hook in hooks:
            hook.remove()
    return activations


def _activation(name: str, module: nn.Module, output: Tensor) -> Activation:
    rms = output.square().mean().sqrt().item()
    spread = output.std(dim=0).square().mean().sqrt().item()  # between images, at each unit and position
    return Activation(
        name=name or type(module).__name__,
        kind=type(module).__name__,
        std=output.std().item(),
        spread=spread / max(rms, 1e-30),
        zeros=(output == 0).double().mean().item(),
        saturated=_saturated(module, output),
    )


def _saturated(module: nn.Module, output: Tensor) -> float:
    match module:
        case nn.Tanh():
            ends = output.abs() > 0.99  # within 1 % of the ends, where the gradient is below 4 % of its largest
        case nn.Sigmoid():
            ends = (output - 0.5).abs() > 0.49
        case _:
            return 0.0
    return ends.double().mean().item()
