"""The device and cores of a training in this process."""

import re

import torch

from ...errors import TrainingError

_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


def choose_device(wish: str, cores: int) -> str:
    """Return torch's name of the device `wish`, and set torch's CPU threads.

    CPU work is spread over `cores` threads.

    Args:
        wish: auto (CUDA where there is one), cpu, cuda or cuda:1.
        cores: at least 1.

    Raises:
        TrainingError: it is none of these, or torch does not see that card.
    """
    if not _DEVICE.fullmatch(wish):
        raise TrainingError(f"the device must be auto, cpu, cuda or cuda:1, got {wish!r}")
    torch.set_num_threads(cores)
    cards = torch.cuda.device_count()
    if wish == "cpu" or (wish == "auto" and not cards):
        return "cpu"
    card = int(wish.partition(":")[2] or 0)
    if card >= cards:
        raise TrainingError(f"device {wish}: torch sees {cards} CUDA devices here; use cpu or auto")
    return f"cuda:{card}"


def choose_algorithms_by_rule() -> None:
    """Have cuDNN choose its algorithms by rule, among deterministic ones.

    It would time them and keep the fastest. They add up in different orders, so that a neighbour on the card would
    change the numbers.
    """
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = False, True
