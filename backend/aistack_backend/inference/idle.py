"""When nobody has asked for so long that the model's memory is better given back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Idle:
    """Calls ``due`` once ``seconds`` have passed in rest; 0 = never. Belongs to one event loop."""

    def __init__(self, seconds: float, due: Callable[[], object]) -> None:
        self._seconds, self._due = seconds, due
        self._timer: asyncio.TimerHandle | None = None

    def __str__(self) -> str:
        return f"{self._seconds / 60:g} min"

    def rest(self) -> None:
        """Nobody asks: begin to count, anew when it was counted already."""
        self.wake()
        if self._seconds > 0:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._due)

    def wake(self) -> None:
        """Somebody asks: leave off."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
