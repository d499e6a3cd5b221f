"""Large images: few at a time, none that nobody waits for, and small ones of others meanwhile."""

import asyncio
import io
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from hpo.serving import images
from hpo.serving.budget import Budget
from PIL import Image

from .conftest import Running, png, until
from .test_connection import connect

Serving = Callable[..., Running]
FORM = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n%b\r\n'


def form(files: list[bytes]) -> bytes:
    return b"".join(PART % file for file in files) + b"--b--\r\n"


@pytest.fixture
def decoding(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The sizes of the images whose pixels are asked for, as they are."""
    seen: list[tuple[int, int]] = []
    pixels = images.pixels

    def watched(image: Image.Image, size: int, channels: int) -> Any:
        seen.append(image.size)
        return pixels(image, size, channels)

    monkeypatch.setattr(images, "pixels", watched)
    return seen


def test_a_request_has_a_budget_of_pixels(serving: Serving, decoding: list[tuple[int, int]]) -> None:
    large = png(0, 5000)
    with serving() as running, running.client() as client:
        answer = client.post("predict", content=form([large] * 5), headers={"Content-Type": FORM})
    assert answer.status_code == 413
    assert answer.json()["error"] == "at most 100 megapixels are decoded in one request, these 5 have 125"
    assert decoding == []


def test_a_photo_counts_as_what_is_decoded_of_it(serving: Serving, decoding: list[tuple[int, int]]) -> None:
    photos = [png(255, 4800, "JPEG")] * 8  # 184 megapixels, of which a 64th is decoded
    with serving() as running, running.client() as client:
        answer = client.post("predict", content=form(photos), headers={"Content-Type": FORM})
    assert {each["class"] for each in answer.json()["predictions"]} == {"bright"}
    assert decoding == [(600, 600)] * 8


def test_one_large_image_after_the_other_and_small_ones_meanwhile(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive, most, go_on = 0, 0, threading.Event()
    decoded = list[weakref.ref[Image.Image]]()
    pixels = images.pixels

    def counted(image: Image.Image, size: int, channels: int) -> Any:
        nonlocal alive, most
        if image.width <= 1000:
            return pixels(image, size, channels)
        alive += 1
        kept = sum(earlier() is not None for earlier in decoded)
        most = max(most, alive + kept)
        go_on.wait(20)
        shrunk = pixels(image, size, channels)
        decoded.append(weakref.ref(image))
        alive -= 1
        return shrunk

    monkeypatch.setattr(images, "pixels", counted)
    shades = [png(shade, 4000) for shade in (0, 128, 255)]
    with serving() as running, running.client() as client, running.client() as other:
        answers: list[Any] = []
        ask = lambda: answers.append(client.post("predict", content=form(shades), headers={"Content-Type": FORM}))  # noqa: E731
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        until(lambda: alive == 1)
        for size in (8, 900):
            small = other.post("predict", content=png(255, size), headers={"Content-Type": "image/png"})
            assert small.json()["predictions"][0]["class"] == "bright"
        go_on.set()
        for thread in threads:
            thread.join()
    classes = [[each["class"] for each in answer.json()["predictions"]] for answer in answers]
    assert classes == [["dark", "medium", "bright"]] * 3
    assert most <= 2  # the last one is dropped while the next one begins


@pytest.mark.parametrize("leaves", [True, False], ids=["who hung up", "who was told that it took too long"])
def test_nothing_more_is_decoded_for_a_client(leaves: bool, serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    started, go_on, ended = threading.Event(), threading.Event(), []
    pixels = images.pixels

    def slow(image: Image.Image, size: int, channels: int) -> Any:
        started.set()
        go_on.wait(20)
        try:
            return pixels(image, size, channels)
        except Exception as error:
            ended.append(str(error))
            raise

    monkeypatch.setattr(images, "pixels", slow)
    noise = io.BytesIO()
    Image.effect_noise((3000, 3000), 100).save(noise, "PNG")
    body = form([noise.getvalue()] * 4)
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
    # of the three seconds the body takes one to arrive where cores are busy
    with serving(timeout_s=30 if leaves else 3, max_body_mb=64) as running:
        with closing(connect(running)) as client:
            client.sendall(head.encode() + body)
            assert started.wait(10)
            if not leaves:
                assert client.recv(4096).startswith(b"HTTP/1.1 503 ")
        until(lambda: not running.server.server_state.connections)
        started.clear()
        go_on.set()
        until(lambda: bool(ended))
        time.sleep(0.05)
        until(lambda: not running.server.server_state.tasks)
        with running.client() as other:
            metrics = other.get("metrics").text
    assert ended == ["damaged or cut short: nobody waits for it"]
    assert not started.is_set()
    assert f'hpo_requests_total{{route="/predict",status="{499 if leaves else 503}"}} 1.0' in metrics


def test_a_budget_is_given_out_in_turn_and_comes_back_from_who_gave_up() -> None:
    async def run() -> list[str]:
        budget, order = Budget(10), []

        async def take(name: str, units: int) -> None:
            async with budget.taken(units):
                order.append(name)
                await asyncio.sleep(0.01)

        first = asyncio.create_task(take("first", 6))
        await asyncio.sleep(0)
        gone = asyncio.create_task(take("gone", 10))
        rest = [asyncio.create_task(take(name, units)) for name, units in (("large", 8), ("small", 1), ("all", 10))]
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(first, *rest)
        return order

    assert asyncio.run(run()) == ["first", "large", "small", "all"]
