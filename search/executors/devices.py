"""From `--device` and `--workers` to one placement per worker.

Without torch, so that a wrong option is refused at once.
"""

import os
import re
from pathlib import Path

from ...common.cores import available_cores
from ...errors import SpaceError
from .worker_process import Placement

_DEVICE = re.compile(r"cpu|cuda(:\d+(,\d+)*)?")


def requested_cards(device: str) -> list[int] | None:
    """The indices of the cards that `--device` may mean.

    None stands for every card that there is, [] for none. The option must be checked.
    """
    if device == "cpu" or (device == "auto" and not _gpu_may_exist()):
        return []
    return _named(device)


def threads_on_cpu(workers: int | None, devices: int) -> int:
    """The CPU threads of a worker, which its `devices` share; None means as many workers as fill the cores."""
    cores = available_cores()
    return max(1, cores // (workers or _fill(cores, devices)))


def _fill(cores: int, devices: int) -> int:
    """As many workers as fill the cores, where each trains on so many devices."""
    return max(1, cores // devices)


def _gpu_may_exist() -> bool:
    """Whether it is worth asking torch for CUDA devices, which takes seconds."""
    # the driver of NVIDIA on Linux, in a container without /proc/driver, and on WSL
    return Path("/proc/driver/nvidia").exists() or Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists()


def check_device(device: str) -> None:
    """Refuse what cannot be a `--device`, whatever machine this is.

    Raises:
        SpaceError: it is not auto, cpu, cuda or cuda:0,1.
    """
    if device != "auto" and not _DEVICE.fullmatch(device):
        raise SpaceError(f"--device must be auto, cpu, cuda or cuda:0,1, got {device!r}")


def place(device: str, workers: int | None, gpus: int, devices: int = 1) -> list[Placement]:
    """One placement per worker.

    Args:
        device: auto, cpu, cuda (every card) or cuda:0,1 (these cards).
        workers: how many; None for as many as fill the cards, or on the CPU the cores.
        gpus: how many CUDA devices torch sees.
        devices: those that a trial trains on: so many cards of its worker, or processes on the CPU.

    Raises:
        SpaceError: the device is not of that form, or a card is asked for that is not there.
    """
    if workers is not None and workers < 1:
        raise SpaceError(f"--workers must be auto or at least 1, got {workers}")
    cores = available_cores()
    cards = _cards(device, gpus)
    if not cards:
        return [Placement("cpu", threads_on_cpu(workers, devices))] * (workers or _fill(cores, devices))
    if len(cards) < devices:
        raise SpaceError(f"--devices-per-trial {devices}: --device {device} has {len(cards)} CUDA devices here")
    # a scheduler such as Slurm hands out cards by this variable: card 0 is then the first of its list
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if os.environ.get("CUDA_VISIBLE_DEVICES") else None
    names = [visible[card] if visible else str(card) for card in cards]
    groups = [",".join(names[i : i + devices]) for i in range(0, len(names) - devices + 1, devices)]
    count = workers or len(groups)
    threads = max(1, cores // count)
    return [Placement("cuda", threads, groups[i % len(groups)]) for i in range(count)]  # in turn


def _cards(device: str, gpus: int) -> list[int]:
    """The card indices that `device` names, checked; none for the CPU."""
    check_device(device)
    if device == "cpu":
        return []
    named = _named(device)
    cards = list(range(gpus)) if named is None else named
    missing = [card for card in cards if card >= gpus]
    if missing or (not cards and device != "auto"):
        raise SpaceError(f"--device {device}: torch sees {gpus} CUDA devices here; use --device cpu or auto")
    return cards


def _named(device: str) -> list[int] | None:
    """The card indices in `cuda:0,1`; None for a device without any."""
    _, _, numbers = device.partition(":")
    return [int(number) for number in numbers.split(",")] if numbers else None
