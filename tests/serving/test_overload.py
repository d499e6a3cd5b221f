"""More requests than can be answered: who is refused, how, and what the others get."""

import threading
from collections.abc import Callable
from contextlib import closing

import pytest

from .conftest import PNG, Client, Running, until

Serving = Callable[..., Running]


@pytest.mark.parametrize("path", ["/predict", "/predict?top=2", "/v2/models/shades/infer"])
def test_one_too_many_is_refused_before_anything_is_done_for_it(
    path: str, crowded: tuple[Running, list[Client]], held: threading.Event
) -> None:
    running, waiting = crowded
    with closing(Client(running)) as late:
        late.send(path)
        status, headers, told = late.answer()
        assert len(running.server.server_state.tasks) == 3
    held.set()
    assert [client.answer()[0] for client in waiting] == [200] * 3
    assert status == 503
    assert headers["content-type"] == "application/json"
    assert headers["retry-after"] == "1"
    assert headers["x-request-id"] == told["request_id"]
    assert "try again" in told["error"]


def test_the_refused_hears_its_own_request_id_and_is_counted(crowded: tuple[Running, list[Client]]) -> None:
    running, _ = crowded
    with closing(Client(running)) as late:
        late.send(more="X-Request-ID: mine-7\r\n")
        _, headers, told = late.answer()
        with running.client() as client:
            metrics = client.get("metrics").text
    assert told["request_id"] == headers["x-request-id"] == "mine-7"
    assert 'hpo_requests_total{route="/predict",status="503"} 1.0' in metrics


def test_answers_keep_the_order_of_requests_on_one_connection(
    crowded: tuple[Running, list[Client]], held: threading.Event
) -> None:
    running, waiting = crowded
    waiting[0].send(more="X-Request-ID: second\r\n")
    with closing(Client(running)) as other:
        other.send()
        assert other.answer()[0] == 503
    held.set()
    first, second = waiting[0].answer(), waiting[0].answer()
    assert first[0] == 200
    assert second[1]["x-request-id"] == "second"


def test_health_and_metrics_answer_when_predictions_are_refused(crowded: tuple[Running, list[Client]]) -> None:
    running, _ = crowded
    with running.client() as client:
        assert client.post("predict", content=PNG, headers={"Content-Type": "image/png"}).status_code == 503
        assert [client.get(path).status_code for path in ("healthz", "readyz", "status", "metrics")] == [200] * 4


def test_a_client_that_says_goodbye_or_expects_a_signal_is_refused_as_it_asked(
    crowded: tuple[Running, list[Client]],
) -> None:
    running, _ = crowded
    with closing(Client(running)) as late:
        late.send(more="Connection: close\r\n")
        status, headers, _ = late.answer()
        assert (status, headers["connection"]) == (503, "close")
        assert late.socket.recv(1) == b""


def test_who_hangs_up_frees_its_place(crowded: tuple[Running, list[Client]]) -> None:
    running, waiting = crowded
    waiting[1].close()
    until(lambda: running.service.admission.unanswered == 2)


def test_a_slow_body_takes_no_place(serving: Serving) -> None:
    with serving(queue=1) as running, closing(Client(running)) as slow, running.client() as client:
        slow.send(body=PNG[:10], claimed=len(PNG))
        until(lambda: len(running.server.server_state.tasks) == 1)
        assert client.post("predict", content=PNG, headers={"Content-Type": "image/png"}).status_code == 200
        slow.socket.sendall(PNG[10:])
        assert slow.answer()[0] == 200
