"""What a client and another server see of one that starts."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hpo.errors import ServeError
from hpo.serving.app import create_app
from hpo.serving.options import Folder, ServeOptions
from hpo.serving.server import Server, bind, configuration
from hpo.serving.service import Service

from .conftest import Kept, Running, png


def test_nobody_can_connect_before_the_server_is_ready(export: Path) -> None:
    """Else a request that waits is lost with a server that is ended while it loads its model."""
    with bind(ServeOptions(champion=Folder(export), port=0)) as listener, pytest.raises(ConnectionRefusedError):
        socket.create_connection(listener.getsockname(), 20)


def test_of_two_servers_that_start_at_once_the_slower_is_told(export: Path, serving: Callable[..., Running]) -> None:
    options = ServeOptions(champion=Folder(export), port=0)
    with bind(options) as slower, serving(port=slower.getsockname()[1]) as quicker, quicker.client() as client:
        service = Service(options, Kept())
        server = Server(configuration(create_app(service), options), service)
        with pytest.raises(ServeError, match="cannot listen"):
            asyncio.run(server.serve([slower]))
        assert client.post("predict", content=png(0), headers={"Content-Type": "image/png"}).status_code == 200
