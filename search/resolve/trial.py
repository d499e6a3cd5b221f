"""A trial by name, `STUDY/N`."""

from ...errors import SpaceError


def split_trial(name: str, flag: str) -> tuple[str, int]:
    """Return the study and the number in `name`, as `flag` was given it.

    Raises:
        SpaceError: it is not of the form STUDY/N.
    """
    # from the right: a study of another program may have a slash in its name
    study, slash, number = name.rpartition("/")
    if not slash or not study or not number.isdecimal():
        raise SpaceError(f"{flag} must be STUDY/N, such as resnet/12, got {name!r}")
    return study, int(number)
