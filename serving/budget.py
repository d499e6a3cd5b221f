"""A number of units that may be out at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Budget:
    """Hands out `units`, in the order in which they are asked for. All methods belong to the event loop."""

    def __init__(self, units: int) -> None:
        self._left = units
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def taken(self, units: int) -> AsyncIterator[None]:
        """Within it `units`, of which there must be as many at all, are out; waits until they are there."""
        async with self._turn:
            while self._left < units:
                self._freed.clear()
                await self._freed.wait()
            self._left -= units
        try:
            yield
        finally:
            self._left += units
            self._freed.set()
