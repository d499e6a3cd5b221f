"""The actor in a place of a Ray cluster: the only class that runs on the nodes."""

import socket

import ray

from .node_worker import NodeWorker, Place


@ray.remote(max_restarts=0, concurrency_groups={"drain": 1, "post": 1})  # type: ignore[call-overload]  # no such stub
class PlaceActor:
    """A NodeWorker that is called from afar: orders in their order, beside the drain that waits."""

    def __init__(self, place: Place) -> None:
        self._worker = NodeWorker(place)

    def describe(self) -> tuple[str, str]:
        """The node's name, and the GPUs that Ray gave to this actor, "" for none."""
        return socket.gethostname(), ",".join(map(str, ray.get_gpu_ids()))

    @ray.method(concurrency_group="post")
    def post(self, order: bytes) -> None:
        """Take an order."""
        self._worker.post(order)

    @ray.method(concurrency_group="drain")
    def drain(self) -> list[bytes]:
        """Return what there is to say."""
        return self._worker.drain()

    def leave(self) -> None:
        """End the worker, which writes nothing any more."""
        self._worker.leave()
