"""Whether strangers may use a cluster: it is asked without a token before it is used.

Ray lets whoever reaches a head run programs on all nodes, unless it was started with a token. So would anybody who
reaches this one; and what a trial is sent there, they may read and replace.
"""

import ipaddress
import os
import socket
import subprocess
import sys
from urllib.parse import urlsplit

from ....common.children import start_python
from .cluster import Connect

KNOCK_S = 30.0
"""How long an answer is waited for: whoever says nothing to strangers is locked."""
REACH_S = 10.0
_METHOD, _PING = "/ray.rpc.RayletDriver/ClusterInfo", b"\x08\x06"  # a ClusterInfoRequest of type PING
_TOKENS = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


def check_address(connect: Connect) -> None:
    """Refuse a cluster that strangers may use.

    Raises:
        ConnectionError: nobody answers there.
        PermissionError: it answers without a token, and is not on this machine's loopback.
    """
    address = _resolve(connect.address)
    _reach(address)
    if connect.unauthenticated or _is_loopback(address) or not _answers(address):
        return
    raise PermissionError(
        "it answers without a token, so that anybody who reaches it runs programs on its nodes\n"
        "  start it with RAY_AUTH_MODE=token, or give --ray-unauthenticated"
    )


def _reach(address: str) -> None:
    """Find out at once that nobody is there; Ray would take half a minute.

    Raises:
        ConnectionError: so it is.
    """
    url = urlsplit(address if "://" in address else f"//{address}")
    try:
        socket.create_connection((url.hostname or "", url.port or 0), REACH_S).close()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConnectionError(f"no head answers there: {reason}") from error


def _resolve(address: str) -> str:
    """The address that `auto` stands for.

    Raises:
        ConnectionError: no cluster runs here.
    """
    if address != "auto":
        return address
    from ray._private.services import canonicalize_bootstrap_address

    try:
        head: str | None = canonicalize_bootstrap_address("auto")
    except ConnectionError:  # with words about a flag of Ray's own
        head = None
    if head is None:
        raise ConnectionError("no Ray cluster runs on this machine; give the HOST:PORT of its head")
    return head


def _is_loopback(address: str) -> bool:
    host = urlsplit(address if "://" in address else f"//{address}").hostname or ""
    try:
        return all(ipaddress.ip_address(info[4][0]).is_loopback for info in socket.getaddrinfo(host, None))
    except (OSError, ValueError):
        return False


def _answers(address: str) -> bool:
    """Whether a cluster does something for whoever has no token."""
    bare = {name: value for name, value in os.environ.items() if name not in _TOKENS} | {"RAY_AUTH_MODE": "disabled"}
    nowhere = subprocess.DEVNULL
    with start_python(*_question(address), environment=bare, stdin=nowhere, stdout=nowhere, stderr=nowhere) as asking:
        try:
            return asking.wait(KNOCK_S) == 0
        except subprocess.TimeoutExpired:
            asking.kill()
            return False


def _question(address: str) -> list[str]:
    """A module that succeeds where a cluster answers, and its arguments."""
    if address.startswith("ray://"):
        return [__name__, address]
    return ["ray.scripts.scripts", "health-check", "--address", address]


def _wants_token(address: str) -> bool:
    """Whether a Ray client server refuses a ping for want of a token.

    Ray's own client takes that for a server which is not ready yet, and asks again for half a minute.
    """
    import grpc

    with grpc.insecure_channel(urlsplit(address).netloc, [("grpc.enable_http_proxy", 0)]) as channel:
        try:
            channel.unary_unary(_METHOD)(_PING, timeout=REACH_S)
        except grpc.RpcError as error:  # of a server that speaks TLS, too, which Ray's client is left to ask
            return error.code() is grpc.StatusCode.UNAUTHENTICATED
    return False


if __name__ == "__main__":
    if _wants_token(sys.argv[1]):
        sys.exit(1)
    import ray

    ray.init(sys.argv[1], log_to_driver=False)
