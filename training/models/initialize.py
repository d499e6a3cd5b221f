"""How weights are drawn."""

from torch import nn


def kaiming_(model: nn.Module) -> None:
    """Draw convolutions by He et al. 2015 (arXiv:1502.01852, eq. 10), in place: normal, variance 2 / fan out.

    Norms start as the identity. Linear layers keep torch's uniform draw, whose small scale makes the first loss close
    to ln(classes).
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
