"""URLs without their secrets, for whatever is kept or shown: studies, runs, manifests, logs, messages."""

import re
from urllib.parse import unquote

_HTTP_USER = re.compile(r"(https?://)([^/?#@\s:]*)(:?)([^/?#\s]*)@", re.IGNORECASE)
_OTHER_PASSWORD = re.compile(r"(?<!http)(?<!https)(://[^/:@\s]*):[^@\s]*@", re.IGNORECASE)
_PARAMETER = re.compile(r"([?&;#])([^=&;#\s]+)=([^&;#\s]*)")
_SECRET = re.compile("pass|pwd|token|key|secret|sig|cred|auth", re.IGNORECASE)


def masked(text: str) -> str:
    """`text` with `***` for every secret of the URLs in it.

    Secret are passwords, whoever alone is named before the host of a web address (a token, mostly), and the values of
    parameters that are called like one.

    >>> masked("postgresql://ann:s3cret@host/hpo?sslpassword=x&sslmode=require")
    'postgresql://ann:***@host/hpo?sslpassword=***&sslmode=require'
    >>> masked("https://t0ken@host/?token=abc")
    'https://***@host/?token=***'
    """
    text = _HTTP_USER.sub(lambda url: f"{url[1]}{url[2]}:***@" if url[3] else f"{url[1]}***@", text)
    return _PARAMETER.sub(_parameter, _OTHER_PASSWORD.sub(r"\1:***@", text))


def is_masked(url: str) -> bool:
    """Whether a secret is missing from `url`, which was kept by `masked`."""
    return "***" in url


def _parameter(found: re.Match[str]) -> str:
    sign, name, value = found.groups()
    return f"{sign}{name}={'***' if value and _SECRET.search(unquote(name)) else value}"
