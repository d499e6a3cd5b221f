"""Ray's driver: a child of the coordinator, and the only process of it that knows Ray.

Ray ends the process that is connected to it a minute after the head is gone, without an exception, and loads a hundred
threads and megabytes into it. Here that costs a child: the coordinator keeps its study and starts another one.

It keeps an actor in every place, carries bytes between the coordinator's sockets, one a place, and these actors, and
decides nothing. One drain is under way per actor, which answers with all that was said meanwhile.
"""

import asyncio
import contextlib
import os
import random
import sys
from collections import Counter
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from typing import Any

from ....common.children import die_with_parent, ignore_ending
from ....common.masking import first_line
from .cluster import Connect, Connected, Note, Opened, Refused, Serve
from .join import join, reason
from .knock import check_address
from .messages import PlaceGone, to_bytes
from .node_check import MODELS, NodeReport, NodeRequest, check_node
from .node_folder import remove_folder
from .node_worker import Place, placement

LOOK_S = 2.0
"""How often it is asked which nodes there are."""
BEGIN_S = 10.0
"""How long an actor may take to begin where Ray says that there is room, before another node is tried.

Others may have that room. Twice, four times .. as long at the next tries: the machine may only be slow.
"""
LEAVE_S = 4.0
LONGEST_REST_S = 16.0
"""How long a place that finds no room rests at most, after 1, 2, 4 .. seconds."""


class Driver:
    """Keeps a worker in every place of the cluster, for as long as the coordinator is there."""

    def __init__(self, control: Connection, connect: Connect) -> None:
        import ray

        self._ray, self._control, self._connect = ray, control, connect
        self._nodes: dict[str, dict[str, Any]] = {}  # those that are alive, by id
        self._reports: dict[str, NodeReport] = {}
        self._ours: Counter[str] = Counter()  # places by node
        self._picked: Counter[str] = Counter()  # when each node was picked last
        self._actors: set[Any] = set()
        self._numbers = 0

    async def run(self) -> None:
        """Follow the coordinator.

        Raises:
            EOFError: it is gone.
        """
        await self._look()
        self._control.send(Connected(sum(map(self._count, self._nodes))))
        loop, orders = asyncio.get_running_loop(), asyncio.Queue[Any]()
        loop.add_reader(self._control.fileno(), lambda: orders.put_nowait(_received(self._control)))
        async with asyncio.TaskGroup() as group:  # a fault in one of them ends the driver, and another one is started
            keeping: asyncio.Task[None] | None = None
            while (order := await orders.get()) is not None:
                match order:
                    case NodeRequest():
                        await self._check(order)
                        self._control.send(dict(self._reports))
                    case Serve():
                        keeping = group.create_task(self._keep(order))
            loop.remove_reader(self._control.fileno())
            if keeping is not None:
                keeping.cancel()
        await self._leave()

    async def _look(self) -> None:
        """Learn which nodes are alive."""
        nodes = await asyncio.to_thread(self._ray.nodes)
        self._nodes = {node["NodeID"]: node for node in nodes if node["Alive"]}

    def _name(self, node_id: str) -> str:
        return str(self._nodes[node_id]["NodeManagerAddress"])

    def _count(self, node_id: str) -> int:
        """How many places a node has."""
        resources = self._nodes[node_id]["Resources"]
        wanted = {"CPU": self._connect.cpus, "GPU": self._connect.gpus}
        # a third of a card three times is a card, though 3 * 0.3333 is less
        return int(min(resources.get(name, 0.0) / share + 1e-4 for name, share in wanted.items() if share))

    async def _check(self, request: NodeRequest) -> None:
        """Check the nodes that were not checked yet."""
        self._request = request
        new = [node_id for node_id in self._nodes if node_id not in self._reports and self._count(node_id)]
        reports = await asyncio.gather(*(self._check_node(node_id) for node_id in new))
        for node_id, report in zip(new, reports, strict=True):
            self._reports[node_id] = report

    async def _check_node(self, node_id: str) -> NodeReport:
        check = self._ray.remote(num_cpus=0, num_gpus=self._connect.gpus, max_retries=0)(check_node)
        there = check.options(scheduling_strategy=self._on(node_id), name="hpo: check of a node")
        waiting = asyncio.create_task(self._say_who_waits(node_id))
        try:
            report: NodeReport = await _answer(there.remote(self._request))
        except self._ray.exceptions.RayError as error:
            return NodeReport(f"{self._name(node_id)}: {_words(error)}")
        finally:
            waiting.cancel()
        return replace(report, problem=f"{self._name(node_id)}: {report.problem}") if report.problem else report

    async def _say_who_waits(self, node_id: str) -> None:
        await asyncio.sleep(BEGIN_S)
        self._control.send(
            Note(f"node {self._name(node_id)} is being checked: packing data, or waiting for a free card")
        )

    def _on(self, node_id: str) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return NodeAffinitySchedulingStrategy(node_id, soft=False)

    async def _keep(self, serve: Serve) -> None:
        """Keep workers in all places of the nodes that come and go, or in as many as are wanted."""
        places = 0
        async with asyncio.TaskGroup() as group:
            while True:
                room = sum(map(self._count, self._usable()))
                for _ in range(places, room if self._connect.most is None else min(room, self._connect.most)):
                    group.create_task(self._keep_place(serve))
                    places += 1
                await asyncio.sleep(LOOK_S)
                await self._follow_nodes()

    async def _follow_nodes(self) -> None:
        """Learn which nodes have come and gone, and check those that are new."""
        before = {node_id: self._name(node_id) for node_id in self._usable()}
        with contextlib.suppress(self._ray.exceptions.RayError, ConnectionError):
            await self._look()
        for node_id in before.keys() - self._nodes.keys():
            self._control.send(Note(f"node {before[node_id]} has left the cluster"))
        checked = set(self._reports)
        await self._check(self._request)
        for node_id in self._reports.keys() - checked:
            if problem := self._reports[node_id].problem:
                self._control.send(Note(f"node {problem}; it is not used"))

    def _usable(self) -> list[str]:
        return [node_id for node_id, report in self._reports.items() if node_id in self._nodes and not report.problem]

    async def _keep_place(self, serve: Serve) -> None:
        """Keep one worker, wherever there is room."""
        rest_s = 1.0
        while True:
            if (node_id := self._pick()) is not None:
                self._ours[node_id] += 1
                try:
                    has_lived = await self._live(node_id, self._place(node_id, serve), BEGIN_S * rest_s)
                finally:
                    self._ours[node_id] -= 1
                rest_s = 1.0 if has_lived else min(2 * rest_s, LONGEST_REST_S)
            await asyncio.sleep(rest_s)

    def _pick(self) -> str | None:
        """The node with room on which nothing was begun for longest; others may have taken what Ray says it has."""
        free = [node_id for node_id in self._usable() if self._ours[node_id] < self._count(node_id)]
        if not free:
            return None
        self._numbers += 1
        picked = min(free, key=lambda node_id: (self._picked[node_id], random.random()))
        self._picked[picked] = self._numbers
        return picked

    def _place(self, node_id: str, serve: Serve) -> Place:
        report = self._reports[node_id]
        device = placement(self._connect.cpus, self._connect.gpus)
        folder, models = report.folder / f"place-{self._numbers}", (serve.models, str(report.folder / MODELS))
        return Place(device, folder, report.pack, serve.location, serve.prefix, models)

    async def _live(self, node_id: str, place: Place, begin_s: float) -> bool:
        """Carry between a socket and an actor until that is gone; return whether there ever was one."""
        from .actor import PlaceActor

        actor = PlaceActor.options(  # type: ignore[attr-defined]  # see actor.py
            num_cpus=self._connect.cpus, num_gpus=self._connect.gpus, scheduling_strategy=self._on(node_id)
        ).remote(place)
        name = self._name(node_id)
        try:
            host, gpus = await asyncio.wait_for(_answer(actor.describe.remote()), begin_s)
        except (TimeoutError, self._ray.exceptions.RayError):
            self._kill(actor)
            return False
        self._actors.add(actor)
        ours, theirs = Pipe()
        loop = asyncio.get_running_loop()
        try:
            with theirs:
                self._control.send(Opened(f"{host} ({name})", f"{node_id}/{gpus}" if gpus else None))
                send_handle(self._control, theirs.fileno(), os.getppid())
            loop.add_reader(ours.fileno(), _forward, ours, actor, loop)
            while True:
                for data in await _answer(actor.drain.remote()):
                    ours.send_bytes(data)
        except self._ray.exceptions.RayError as error:
            with contextlib.suppress(OSError):
                ours.send_bytes(to_bytes((0, PlaceGone(f"its node {name} is gone: {_words(error)}"))))
        except OSError:  # the coordinator has given the place up
            pass
        finally:
            loop.remove_reader(ours.fileno())
            ours.close()
            self._actors.discard(actor)
            self._kill(actor)
        return True

    def _kill(self, actor: Any) -> None:
        with contextlib.suppress(Exception):  # of a node that is cut off: its lease ends what trains there
            self._ray.kill(actor)

    async def _leave(self) -> None:
        """Have the nodes remove what was made there."""
        remove = self._ray.remote(num_cpus=0, max_retries=0)(remove_folder)

        async def leave() -> None:
            leaving = [_answer(actor.leave.remote()) for actor in self._actors]
            await asyncio.gather(*leaving, return_exceptions=True)
            nodes = [(self._on(node_id), self._reports[node_id].folder) for node_id in self._usable()]
            removals = [_answer(remove.options(scheduling_strategy=node).remote(folder)) for node, folder in nodes]
            await asyncio.gather(*removals, return_exceptions=True)

        with contextlib.suppress(TimeoutError):  # what is left there is swept by whoever comes next
            await asyncio.wait_for(leave(), LEAVE_S)


async def _answer(reference: Any) -> Any:
    """The answer of an actor or task."""
    return await asyncio.wrap_future(reference.future())


def _forward(ours: Connection, actor: Any, loop: asyncio.AbstractEventLoop) -> None:
    """Hand what the coordinator says to an actor."""
    try:
        while ours.poll():
            actor.post.remote(ours.recv_bytes())
    except (EOFError, OSError):
        loop.remove_reader(ours.fileno())


def _received(control: Connection) -> Any:
    try:
        return control.recv()
    except (EOFError, OSError):
        return None


def _words(error: BaseException) -> str:
    """The first line of one of Ray's errors that says something."""
    return f"{type(error).__name__}: {first_line(error)}"


def main(descriptor: int) -> None:
    """Serve the coordinator on the socket `descriptor`."""
    die_with_parent()
    control = Connection(descriptor)
    connect: Connect = control.recv()
    try:
        check_address(connect)
        join(connect.address)
    except PermissionError as error:
        control.send(Refused(f"--ray-address {connect.address}: {error}", final=True))
        return
    except (ConnectionError, RuntimeError, ValueError) as error:
        control.send(Refused(f"--ray-address {connect.address}: {reason(error)}", final=False))
        return
    ignore_ending()  # only now: Ray sets a handler of its own
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        asyncio.run(Driver(control, connect).run())


if __name__ == "__main__":
    main(int(sys.argv[1]))
