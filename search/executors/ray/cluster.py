"""What the coordinator and Ray's driver say to each other, beside what goes to and from places."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Connect:
    """Connect to the cluster at `address`; a trial has so many `cpus` and `gpus`, and `most` run at a time.

    `unauthenticated` says that a cluster which asks for no token may be used wherever it is.
    """

    address: str
    cpus: float
    gpus: float
    most: int | None
    unauthenticated: bool


@dataclass(frozen=True, slots=True)
class Connected:
    """The cluster has so many places."""

    places: int


@dataclass(frozen=True, slots=True)
class Serve:
    """Keep workers in all places; checkpoints go to the store at `location`, below `prefix`.

    `models` is the folder of users' models as jobs have it.
    """

    location: str
    prefix: str
    models: str


@dataclass(frozen=True, slots=True)
class Opened:
    """There is a place on `node`, with the GPUs `card`, None for none; its socket follows."""

    node: str
    card: str | None


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the user should know."""

    words: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The cluster cannot be used, or, where it is not `final`, not now."""

    words: str
    final: bool
