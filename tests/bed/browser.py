"""A headless Chromium over its own debugging protocol: open, read, type, picture."""

from __future__ import annotations

import asyncio
import base64
import itertools
import shutil
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientSession, ClientWebSocketResponse

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0",
    "--window-size=1200,760",
)  # fmt: skip
QUIET = ("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",)
"""No look-up of any name: what a page asks of another site fails, and is seen in ``asked``."""


PAUSE = "new Promise((done) => setTimeout(done, 100))"


class Browser:
    """One tab; ``asked`` holds the address of every request that its pages made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self.asked: list[str] = []

    async def __aenter__(self) -> Self:
        program = shutil.which("chromium")
        assert program, "chromium is not installed: apt-get install chromium"
        self._process = await asyncio.create_subprocess_exec(
            program, *FLAGS, *QUIET, f"--user-data-dir={self._folder}", "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        address = await asyncio.wait_for(self._address(), 60)
        self._http = ClientSession()
        port = address.split(":")[2].partition("/")[0]
        async with self._http.get(f"http://127.0.0.1:{port}/json") as answer:
            page = next(one for one in await answer.json() if one["type"] == "page")
        self._socket: ClientWebSocketResponse = await self._http.ws_connect(
            page["webSocketDebuggerUrl"], max_msg_size=1 << 26
        )
        self._reader = asyncio.create_task(self._read())
        await self.call("Network.enable")
        await self.call("Page.enable")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.cancel()
        await self._socket.close()
        await self._http.close()
        self._process.kill()
        await self._process.wait()

    async def call(self, method: str, **params: Any) -> Any:
        """Call the protocol; ``asyncio.TimeoutError`` after ten seconds."""
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        return await asyncio.wait_for(self._answers[number], 60)

    async def open(self, address: str) -> None:
        """Go to a page."""
        await self.call("Page.navigate", url=address)

    async def value(self, script: str) -> Any:
        """Return what a script's expression gives in the page."""
        answer = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return answer.get("result", {}).get("value")

    async def until(self, script: str, seconds: float = 20.0) -> Any:
        """Wait until the expression is true in the page, and return it."""
        until = time.monotonic() + seconds
        while not (found := await self.value(script)):
            assert time.monotonic() < until, f"{script} is not true within {seconds:g} s"
            await self.call("Runtime.evaluate", expression=PAUSE, awaitPromise=True)
        return found

    async def type(self, text: str) -> None:
        """Type characters into what has the focus."""
        await self.call("Input.insertText", text=text)

    async def picture(self, path: Path) -> None:
        """Write what the tab shows as PNG."""
        answer = await self.call("Page.captureScreenshot", format="png")
        await asyncio.to_thread(path.write_bytes, base64.b64decode(answer["data"]))

    async def _address(self) -> str:
        assert self._process.stderr
        async for line in self._process.stderr:
            if line.startswith(b"DevTools listening on "):
                return line.decode().split()[-1]
        raise AssertionError("chromium ended before it listened")

    async def _read(self) -> None:
        async for message in self._socket:
            said = message.json()
            if said.get("method") == "Network.requestWillBeSent":
                self.asked.append(said["params"]["request"]["url"])
            if (waiting := self._answers.pop(said.get("id", 0), None)) is not None and not waiting.done():
                waiting.set_result(said.get("result", {}))
