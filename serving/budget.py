"""A budget of units that may be out at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Budget:
    """A counting lock for many units at once, in order of arrival.

    All methods belong to the event loop.
    """

    def __init__(self, units: int) -> None:
        self._left = units
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def taken(self, units: int) -> AsyncIterator[None]:
        """Hold `units` of the budget, once as many are free.

        There must be as many at all.
        """
        # one at a time waits for units: small requests would otherwise overtake a large one for ever
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
