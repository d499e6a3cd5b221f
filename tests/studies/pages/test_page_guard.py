"""What the guard of the pages lets through, told from the request alone; test_ui.py has the real pages behind it."""

import asyncio
from typing import Any

import pytest
from hpo.studies.pages.guard import PageGuard

TOKEN = "t0ken-of-this-server"
COOKIE = f"hpo-ui-{TOKEN[:8]}={TOKEN}"
OURS = {"host": "127.0.0.1:5000", "cookie": COOKIE}


def status(headers: dict[str, str], query: str = "") -> str | None:
    answer = PageGuard(TOKEN).answer(query, headers)
    return answer.status[:3] if answer else None


@pytest.mark.parametrize(
    "headers",
    [
        OURS,
        {**OURS, "host": "localhost:8080"},  # through a forwarded port
        {**OURS, "host": "LOCALHOST"},
        {**OURS, "host": "[::1]:5000"},
        {**OURS, "cookie": f"other=1; {COOKIE};last=2"},
        {**OURS, "origin": "http://127.0.0.1:5000", "sec-fetch-site": "same-origin"},
        {**OURS, "sec-fetch-site": "none"},
        {"host": "127.0.0.1:5000", "authorization": f"Bearer {TOKEN}"},
    ],
)
def test_what_has_the_token_and_is_the_pages_own_passes(headers: dict[str, str]) -> None:
    assert status(headers) is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "127.0.0.1:5000"},
        {**OURS, "cookie": COOKIE[:-1]},
        {**OURS, "cookie": COOKIE.replace("t0ken", "t\xf6ken")},
        {"host": "127.0.0.1:5000", "authorization": "Bearer "},
        {**OURS, "host": "attacker.example:5000"},
        {**OURS, "host": "127.0.0.1.attacker.example"},
        {**OURS, "host": "127.0.0.1:5000,attacker.example"},
        {**OURS, "host": "localhost@attacker.example:5000"},
        {**OURS, "origin": "http://127.0.0.1:5001"},  # SameSite counts another port as the same site
        {**OURS, "origin": "http://localhost:5000"},
        {**OURS, "origin": "https://attacker.example"},
        {**OURS, "origin": "null"},
        {**OURS, "sec-fetch-site": "same-site"},
        {**OURS, "sec-fetch-site": "cross-site"},
    ],
)
def test_all_else_is_refused(headers: dict[str, str]) -> None:
    assert status(headers) == "403"


def test_the_link_sets_a_cookie_that_scripts_and_other_sites_do_not_get() -> None:
    answer = PageGuard(TOKEN).answer(f"a=1&token={TOKEN}", {"host": "127.0.0.1:5000", "sec-fetch-site": "cross-site"})
    assert answer is not None
    assert dict(answer.headers)["Set-Cookie"] == f"{COOKIE}; HttpOnly; SameSite=Strict; Path=/"
    assert TOKEN.encode() not in answer.body
    assert status({"host": "attacker.example"}, f"token={TOKEN}") == "403"
    assert status({"host": "127.0.0.1"}, f"token={TOKEN[:-1]}") == "403"
    assert status({"host": "127.0.0.1"}, "token=") == "403"


def test_a_websocket_is_asked_the_same() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})

    def opened(headers: dict[str, str]) -> list[str]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message["type"])

        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "websocket", "path": "/", "query_string": b"", "headers": raw}
        asyncio.run(PageGuard(TOKEN).asgi(app)(scope, None, send))  # type: ignore[arg-type]
        return sent

    assert opened(OURS) == ["websocket.accept"]
    assert opened({**OURS, "origin": "http://localhost:1"}) == ["websocket.close"]
