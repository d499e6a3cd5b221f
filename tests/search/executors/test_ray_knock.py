"""Whether strangers may use a cluster, asked of its server for clients from outside."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from subprocess import run
from typing import Any

import grpc
import pytest
from hpo.search.executors.ray import knock
from ray.core.generated import ray_client_pb2


class Locked(grpc.GenericRpcHandler):
    """Refuses whatever it is asked, as a head with a token does where there is none."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bytes]] = []

    def service(self, details: Any) -> Any:
        def refuse(request: bytes, context: grpc.ServicerContext) -> bytes:
            self.asked.append((details.method, request))
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "Invalid or missing authentication token")
            raise AssertionError

        return grpc.unary_unary_rpc_method_handler(refuse)


@pytest.fixture
def locked() -> Iterator[tuple[str, Locked]]:
    """The address of a server that is locked, and the server."""
    handler = Locked()
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool, handlers=[handler])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield f"ray://127.0.0.1:{port}", handler
        server.stop(None).wait()


def test_a_head_that_wants_a_token_is_asked_once(locked: tuple[str, Locked]) -> None:
    address, handler = locked
    done = run([sys.executable, "-m", knock.__name__, address], capture_output=True, check=False)
    assert done.returncode == 1
    ping = ray_client_pb2.ClusterInfoRequest(type=ray_client_pb2.ClusterInfoType.PING)
    assert handler.asked == [("/ray.rpc.RayletDriver/ClusterInfo", ping.SerializeToString())]
