"""Residual networks of basic blocks (He et al. 2015, arXiv:1512.03385)."""

from math import ceil

from torch import Tensor, nn

from .config import InitName, NormName
from .initialize import initialize_
from .norm import check_norm, make_norm
from .registry import register_model

# Blocks per stage. 18 and 34 are table 1 of the paper; 14, 20 and 32 have its section 4.2's three stages, 2n blocks
# of two layers (n = 2, 3, 5) with the stem and the classifier.
_STAGES = {
    10: (1, 1, 1, 1),
    14: (2, 2, 2),
    18: (2, 2, 2, 2),
    20: (3, 3, 3),
    32: (5, 5, 5),
    34: (3, 4, 6, 3),
}
# largest side that counts as small: at CIFAR's 32 an ImageNet stem leaves 8x8 maps to the first stage
_SMALL_IMAGE_PX = 64


@register_model("resnet")
class ResNet(nn.Module):
    """A residual network: stem, stages of basic blocks, pooling, linear layer.

    Three or four stages, global average pooling, dropout before the linear layer.

    The last norm of each block starts at zero, so that every block starts as the identity (Goyal et al. 2017,
    arXiv:1706.02677, section 5.1); without norms the last convolution does (Zhang et al. 2019, arXiv:1901.09321).

    Args:
        num_classes: width of the last layer.
        in_channels: channels of the images.
        image_size: side in pixels; decides the stem where `stem` is "auto".
        depth: 10, 18 or 34 for four stages, 14, 20 or 32 for three.
        width: channels of the first stage; each later stage doubles them.
        dropout: probability of zeroing a feature before the classifier, in [0, 1).
        stem: "small" is a 3x3 convolution; "imagenet" a 7x7 one of stride 2 and max pooling, a quarter of the side;
            "auto" takes small up to 64 pixels.
        norm: what follows each convolution.
        init: how convolutions are drawn.

    Raises:
        TrainingError: the norm leaves nothing of images as small as these.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        image_size: int,
        depth: int = 18,
        width: int = 64,
        dropout: float = 0.0,
        stem: str = "auto",
        norm: NormName = "batch",
        init: InitName = "kaiming_normal",
    ) -> None:
        super().__init__()
        small = stem == "small" or (stem == "auto" and image_size <= _SMALL_IMAGE_PX)
        halvings = len(_STAGES[depth]) - 1 + (0 if small else 2)
        check_norm(norm, f"resnet of depth {depth}", image_size, ceil(image_size / 2**halvings))
        self.stem = _small_stem(in_channels, width, norm) if small else _imagenet_stem(in_channels, width, norm)
        self.stages = nn.Sequential(*_stages(_STAGES[depth], width, norm))
        features = width * 2 ** (len(_STAGES[depth]) - 1)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(features, num_classes)
        initialize_(self, init)
        for block in self.modules():
            if isinstance(block, BasicBlock):
                block.start_as_identity_()

    def forward(self, images: Tensor) -> Tensor:
        """Return logits [B, num_classes] of images [B, C, H, W]."""
        features: Tensor = self.stages(self.stem(images))  # [B, features, h, w], h and w at least 1
        logits: Tensor = self.classifier(self.dropout(features.mean(dim=(2, 3))))  # [B, features]
        return logits


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with norms, and a shortcut.

    The input is added before the last ReLU; a 1x1 convolution of it where shapes differ.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, norm: NormName) -> None:
        super().__init__()
        bias = norm == "none"
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=bias)
        self.norm1 = make_norm(norm, out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=bias)
        self.norm2 = make_norm(norm, out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                Subsample(stride), nn.Conv2d(in_channels, out_channels, 1, bias=bias), make_norm(norm, out_channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, in, h, w] to [B, out, ceil(h / stride), ceil(w / stride)]."""
        out = nn.functional.relu(self.norm1(self.conv1(x)), inplace=True)
        out = self.norm2(self.conv2(out)) + self.shortcut(x)
        return nn.functional.relu(out, inplace=True)

    def start_as_identity_(self) -> None:
        """Let the block start as its shortcut."""
        last = self.conv2 if isinstance(self.norm2, nn.Identity) else self.norm2
        nn.init.zeros_(last.get_parameter("weight"))


class Subsample(nn.Module):
    """Every `stride`-th pixel of every `stride`-th row.

    Followed by a 1x1 convolution it equals that convolution with a stride, whose backward pass in channels_last
    writes past its memory on CPUs where it has fewer than seven input channels (torch 2.14 with oneDNN, AVX2).
    """

    def __init__(self, stride: int) -> None:
        super().__init__()
        self._stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, h, w] to [B, C, ceil(h / stride), ceil(w / stride)]."""
        return x[:, :, :: self._stride, :: self._stride]


def _stages(blocks: tuple[int, ...], width: int, norm: NormName) -> list[BasicBlock]:
    """Build every block in order.

    Each stage but the first halves the side and doubles the channels.
    """
    layers: list[BasicBlock] = []
    channels = width
    for stage, count in enumerate(blocks):
        out_channels = width * 2**stage
        for index in range(count):  # the first block of a stage halves the side
            layers.append(BasicBlock(channels, out_channels, stride=2 if stage and not index else 1, norm=norm))
            channels = out_channels
    return layers


def _small_stem(in_channels: int, width: int, norm: NormName) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, width, 3, padding=1, bias=norm == "none"), make_norm(norm, width), nn.ReLU(inplace=True)
    )


def _imagenet_stem(in_channels: int, width: int, norm: NormName) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, width, 7, stride=2, padding=3, bias=norm == "none"),
        make_norm(norm, width),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2, padding=1),
    )
