"""An ASGI application on a loop of its own, callable from any other loop: its lifespan is ours to end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class AsgiThread:
    """Runs ``app`` and the context ``life`` on a thread; itself an ASGI application for other loops."""

    def __init__(self, app: Any, life: AbstractAsyncContextManager[Any]) -> None:
        self._app = app
        self._life = life
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="asgi", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.do(self._life.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.do(self._life.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the application's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{message['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        theirs = asyncio.get_running_loop()

        async def there(work: Coroutine[Any, Any, T]) -> T:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, theirs))

        async def call() -> None:
            await self._app(scope, lambda: there(receive()), lambda message: there(send(message)))

        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call(), self._loop))
