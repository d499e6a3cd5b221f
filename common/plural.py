"""A count with its noun."""


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, singular or plural.

    >>> plural(1, "image"), plural(1200, "image")
    ('1 image', '1,200 images')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
