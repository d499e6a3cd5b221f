"""Work on a few threads ahead of its reader."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(work: Callable[[Item], Result], items: Iterable[Item], *, threads: int) -> Iterator[Result]:
    """Yield `work` of each item, in order, worked on ahead by `threads`.

    Two items per thread are worked on ahead of the reader and no more.

    An error in `work` reaches the reader in its turn. A reader that leaves waits for what has begun, and no longer.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="hpo-ahead") as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                # Bounded: results wait in memory, and a fast disk would otherwise fill it.
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:  # those that have begun are waited for when the pool closes
                future.cancel()
