"""The guard of the pages of `hpo ui`, asking for a token.

Whoever has opened the printed link has it and may use them, and no other page of their browser.

A port on 127.0.0.1 is reached by every user of the machine and by every web page in a browser on it: from another
origin, or as its own origin once its name is made to point here (DNS rebinding). Neither optuna-dashboard nor MLflow
asks who sends a request, and both delete what they are told to. So each is wrapped in a guard, in its own process.
"""

import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# any other name in a request means that a foreign name was made to point here (DNS rebinding)
_NAMES = {"127.0.0.1", "localhost", "[::1]"}
_PLAIN = ("Content-Type", "text/plain; charset=utf-8")
_HEADERS = [
    ("X-Frame-Options", "SAMEORIGIN"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),  # an address may hold the token
    ("Cross-Origin-Resource-Policy", "same-origin"),
]
# an artifact of a trial may be an HTML page from a stranger: shown from this origin, it could use the cookie
_AS_FILE = [("Content-Disposition", "attachment"), ("Content-Security-Policy", "sandbox; default-src 'none'")]

# note: by a script, not a redirection: a browser keeps a redirected request from another site "cross-site", and a `#`
_ENTER = b"""<!doctype html><meta charset="utf-8"><title>hpo ui</title><script>
const here = new URL(location); here.searchParams.delete("token"); location.replace(here);
</script>"""


class Answer(NamedTuple):
    """An answer of the guard itself."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


class PageGuard:
    """Middleware that lets only requests with `token` through.

    They bring it in the address, which sets a cookie, in that cookie, or as a Bearer token.
    """

    def __init__(self, token: str) -> None:
        self._token = token
        self._cookie = f"hpo-ui-{token[:8]}={token}"  # cookies know no ports: each server has a name of its own

    def answer(self, query: str, headers: Mapping[str, str]) -> Answer | None:
        """Return the guard's answer to a request, None where it may pass.

        A request that may not pass is refused; one with the token in its address gets the cookie.

        Args:
            query: of the address, without its `?`.
            headers: with names in lower case; several of one name joined by a comma.
        """
        host = headers.get("host", "")
        if re.sub(r":\d+$", "", host).lower() not in _NAMES:
            return _refused("this page is reached as 127.0.0.1 or localhost alone")
        if any(self._equal(token, self._token) for token in parse_qs(query).get("token", [])):
            cookie = ("Set-Cookie", f"{self._cookie}; HttpOnly; SameSite=Strict; Path=/")
            kind = ("Content-Type", "text/html; charset=utf-8")
            return Answer("200 OK", [kind, cookie, ("Cache-Control", "no-store"), *_HEADERS], _ENTER)
        if headers.get("origin", f"http://{host}") != f"http://{host}":
            return _refused("pages of other origins may not send requests here")
        # set by browsers alone, and not by a page: absent from curl, which must bring the token anyway
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return _refused("other pages may not send requests here; open the link that hpo ui has printed")
        if not self._has_token(headers):
            return _refused("open the link that hpo ui has printed; it holds a token")
        return None

    def _has_token(self, headers: Mapping[str, str]) -> bool:
        cookies = [part.strip() for part in headers.get("cookie", "").split(";")]
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        return self._equal(bearer, self._token) or any(self._equal(cookie, self._cookie) for cookie in cookies)

    @staticmethod
    def _equal(sent: str, expected: str) -> bool:
        # in constant time: the time of `==` tells how many characters were right
        return hmac.compare_digest(sent.encode(errors="replace"), expected.encode())

    def wsgi(self, app: "WSGIApplication") -> "WSGIApplication":
        """Return `app` behind this guard."""

        def guarded(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            names = {name: name[5:].replace("_", "-").lower() for name in environ if name.startswith("HTTP_")}
            headers = {plain: environ[name] for name, plain in names.items()}
            if answer := self.answer(environ.get("QUERY_STRING", ""), headers):
                start_response(answer.status, answer.headers)
                return [answer.body]

            def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
                return start_response(status, _guarded(environ["PATH_INFO"], headers), *error)

            return app(environ, start)

        return guarded

    def asgi(self, app: "ASGIApp") -> "ASGIApp":
        """Return `app` behind this guard."""

        async def guarded(scope: "Scope", receive: "Receive", send: "Send") -> None:
            if scope["type"] == "lifespan":
                await app(scope, receive, send)
                return
            answer = self.answer(scope["query_string"].decode("latin-1"), _joined(scope["headers"]))

            async def send_guarded(message: "Message") -> None:
                if message["type"] == "http.response.start":
                    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
                    message["headers"] = _encoded(_guarded(scope["path"], headers))
                await send(message)

            if answer is None:
                await app(scope, receive, send_guarded)
            elif scope["type"] == "http":
                start = {"status": int(answer.status[:3]), "headers": _encoded(answer.headers)}
                await send({"type": "http.response.start", **start})
                await send({"type": "http.response.body", "body": answer.body})
            else:
                await send({"type": "websocket.close", "code": 1008})  # policy violation

        return guarded


def _refused(reason: str) -> Answer:
    return Answer("403 Forbidden", [_PLAIN, *_HEADERS], f"{reason}\n".encode())


def _guarded(path: str, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the headers of an answer, the guard's over the page's."""
    # what the app grants to other origins is dropped, too
    ours = [*_HEADERS, *(_AS_FILE if path.startswith("/artifacts/") else [])]
    replaced = {name.lower() for name, _ in ours}
    kept = [(n, v) for n, v in headers if n.lower() not in replaced and not n.lower().startswith("access-control-")]
    return kept + ours


def _joined(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw, value in pairs:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        separator = "; " if name == "cookie" else ", "
        headers[name] = headers[name] + separator + text if name in headers else text
    return headers


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
