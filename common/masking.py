"""URLs without their secrets, for text that is kept or shown.

Studies, runs, manifests, logs and messages.
"""

import re
from urllib.parse import unquote

_HTTP_USER = re.compile(r"(https?://)([^/?#@\s:]*)(:?)([^/?#\s]*)@", re.IGNORECASE)
_OTHER_PASSWORD = re.compile(r"(?<!http)(?<!https)(://[^/:@\s]*):[^@\s]*@", re.IGNORECASE)
_PARAMETER = re.compile(r"([?&;#])([^=&;#\s]+)=([^&;#\s]*)")
# by part of the name: sslpassword, api_key, X-Amz-Signature, access_token
_ERROR_LENGTH = 300  # characters: drivers put whole statements and pages of HTML into one line
_SECRET = re.compile("pass|pwd|token|key|secret|sig|cred|auth", re.IGNORECASE)


def masked(text: str) -> str:
    """Replace every secret of the URLs in `text` by `***`.

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
    """Tell whether a secret is missing from `url`.

    It was kept by `masked`, then.
    """
    return "***" in url


def first_line(error: BaseException) -> str:
    """Return the first line of an error, without secrets; its type where it has no text."""
    lines = str(error).strip().splitlines()
    return masked(lines[0])[:_ERROR_LENGTH] if lines else type(error).__name__


def _parameter(match: re.Match[str]) -> str:
    sign, name, value = match.groups()
    return f"{sign}{name}={'***' if value and _SECRET.search(unquote(name)) else value}"
