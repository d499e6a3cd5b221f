"""The process of another device of a training: it takes the steps that it is told to take, until its leader is gone."""

import contextlib
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection

import torch

from ...common.children import die_with_parent, ignore_ending
from ...common.masking import first_line
from ..data.pack import Pack
from ..machine.allocator import keep_freed_memory
from ..machine.device import choose_algorithms_by_rule
from ..machine.device_group import DeviceGroup
from ..machine.memory import is_out_of_memory
from ..machine.seeding import seeded
from .epoch import end_epoch, take_step
from .feed import train_batches
from .learner import Learner
from .meter import Meter
from .replicas import Begin, BeginEpoch, EndEpoch, Failure, Join, Order, Ready, Step, unpacked


class Replica:
    """One device's copy of a training."""

    def __init__(self, training: Begin, group: DeviceGroup, device: torch.device) -> None:
        self._seed, self._group, self._device = training.config.seed, group, device
        pack = Pack.open(training.pack)
        pack = pack.of_fold(training.fold) if training.fold else pack
        self._learner = Learner.create(training.config, pack, device)
        self._learner.load(unpacked(training.state))
        self._learner.micro_batch = training.micro_batch
        self._learner.share(group)
        self._batches = train_batches(training.config, pack, training.fit_on, device)

    def epoch(self, number: int, receive: Callable[[], Order]) -> Order:
        """Take the steps of an epoch; return the first order after it."""
        meter, batches = Meter(self._device), self._batches.epoch(number)
        self._learner.model.train()
        with seeded(self._seed, number, self._device, self._group.rank):
            while isinstance(order := receive(), Step):
                take_step(self._learner, meter, next(batches), order.lr)
        if isinstance(order, EndEpoch):
            end_epoch(self._learner, meter)
            return receive()
        return order


def serve(leader: Connection) -> None:
    """Train with the others, one training after another.

    Raises:
        EOFError: the leader is gone.
    """
    receive: Callable[[], Order] = leader.recv
    join = receive()
    assert isinstance(join, Join)
    device = torch.device(join.device)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    else:
        keep_freed_memory()
    choose_algorithms_by_rule()
    leader.send(Ready())
    group = DeviceGroup.join(join.folder, join.rank, join.size, device)
    order = receive()
    while isinstance(order, Begin):
        replica = Replica(order, group, device)
        order = receive()
        while isinstance(order, BeginEpoch):
            order = replica.epoch(order.number, receive)
        del replica  # its memory is for the next one


def main(descriptor: int) -> None:
    """Serve the leader on the socket `descriptor`."""
    die_with_parent()
    ignore_ending()
    leader = Connection(descriptor)
    try:
        with contextlib.suppress(EOFError, ConnectionResetError):
            serve(leader)
    except Exception as error:
        traceback.print_exc()  # to the leader's log
        with contextlib.suppress(OSError):
            leader.send(Failure(first_line(error), is_out_of_memory(error)))
        sys.exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
