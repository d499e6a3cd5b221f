"""Initialisation of convolution kernels, by name."""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from .config import InitName

Scheme = Callable[[Tensor], object]

_TRUNC_STD = 0.02  # as ConvNeXt, see below

# kaiming: He et al. 2015 (arXiv:1502.01852, eq. 10), variance 2 / fan out, for ReLU.
# xavier: Glorot & Bengio 2010 (Understanding the difficulty of training deep feedforward neural networks, eq. 16),
#   variance 2 / (fan in + fan out).
# orthogonal: Saxe et al. 2013 (arXiv:1312.6120), with ReLU's gain, the square root of 2.
# trunc_normal: deviation 0.02 cut at two deviations, as ConvNeXt (Liu et al. 2022, arXiv:2201.03545) is drawn.
# default: torch's own, uniform with variance 1 / (3 fan in).
SCHEMES: dict[InitName, Scheme] = {
    "kaiming_normal": partial(nn.init.kaiming_normal_, mode="fan_out", nonlinearity="relu"),
    "kaiming_uniform": partial(nn.init.kaiming_uniform_, mode="fan_out", nonlinearity="relu"),
    "xavier_normal": nn.init.xavier_normal_,
    "xavier_uniform": nn.init.xavier_uniform_,
    "orthogonal": partial(nn.init.orthogonal_, gain=2**0.5),
    "trunc_normal": partial(nn.init.trunc_normal_, std=_TRUNC_STD, a=-2 * _TRUNC_STD, b=2 * _TRUNC_STD),
    "default": lambda kernel: kernel,
}


def initialize_(model: nn.Module, name: InitName) -> None:
    """Initialise the convolutions of `model` by the scheme `name`, in place.

    Their biases start at zero, norms as the identity. Linear layers keep torch's uniform draw, whose small scale makes
    the first loss close to ln(classes).
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            SCHEMES[name](module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
