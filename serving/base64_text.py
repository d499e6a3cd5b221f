"""Image files as base64 text, in all forms that programs write.

One reader for HTTP and for MLflow.
"""

import base64

_WHITESPACE = b" \t\r\n\v\f"
_FROM_URL_SAFE = bytes.maketrans(b"-_+/", b"+/??")  # the two alphabets are not mixed: + and / become what is in neither


def from_base64(text: str) -> bytes:
    """Decode base64 `text`.

    It may be in the standard or the URL-safe alphabet (RFC 4648), padded or not, in lines or not, bare or a data: URL
    (RFC 2397). Nothing else is passed over.

    Raises:
        ValueError: it is something else; the message is the reason.
    """
    try:
        content = text.encode("ascii").translate(None, _WHITESPACE)
    except UnicodeEncodeError as error:
        raise ValueError(f"is not base64: it holds {text[error.start]!r}") from error
    if content[:5].lower() == b"data:":
        head, comma, content = content.partition(b",")
        if not comma or not head.lower().endswith(b";base64"):
            raise ValueError("is a data: URL that is not base64; it must begin as data:image/png;base64,")
    if b"-" in content or b"_" in content:
        content = content.translate(_FROM_URL_SAFE)
    if not content.endswith(b"="):
        content += b"=" * (-len(content) % 4)
    try:
        # without `validate` Python skips characters of no alphabet, and decodes something else
        return base64.b64decode(content, validate=True)
    except ValueError as error:
        raise ValueError(f"is not base64: {error}") from error
