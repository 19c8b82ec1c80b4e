"""One life of the model worker: spawn it, talk to it, notice that it died or hangs, say why."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path

from aistack_backend.inference.models import EngineDied
from aistack_backend.inference.protocol import LINE_LIMIT, Do, Is, Order, Report, decode, encode

LOG_BYTES, LOG_FILES = 1_000_000, 3
_PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
"""All that the child sees of our environment: there may be secrets in the rest."""
TAIL = 20
"""Last lines of the worker's log kept to explain a death."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the backend waits for the worker, in seconds."""

    hello: float = 30.0
    """To load its library."""
    silence: float = 4.0
    """Without any report (it sends one each 0.5 s) before it is held to hang."""
    stuck: float = 60.0
    """Busy without any progress before it is held to hang."""
    quit: float = 2.0
    back_off: float = 0.5
    """Before the first restart; doubled for each further one, at most 30."""


class WorkerProcess:
    """A running child. ``on_exit`` is called once with one sentence when it is gone unasked."""

    def __init__(self, engine: str, site: Path, log: Path, patience: Patience, on_exit: Callable[[str], None]) -> None:
        self._engine, self._site, self._patience, self._on_exit = engine, site, patience, on_exit
        self._log_file = log
        self._child: asyncio.subprocess.Process | None = None
        self._waiting: dict[int, asyncio.Queue[Report | None]] = {}
        self._tail: deque[str] = deque(maxlen=TAIL)
        self._tasks: list[asyncio.Task[None]] = []
        self._seen = self._moved = 0.0
        self._count = -1
        self._busy = False
        self.beat = Report(what=Is.BEAT)
        """The newest sign of life, with what the worker holds."""
        self.embeds: Path | None = None
        """The model that was asked for vectors here."""
        self.embedding = 0
        """The request of which a text is being turned into a vector, as the worker told last; 0 = none."""
        self.on_beat: Callable[[], None] = lambda: None
        self._verdict = ""
        self._asked_to_end = False
        self._oom_before = 0
        self._hello: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int:
        """The process id; 0 before the start."""
        return self._child.pid if self._child else 0

    @property
    def gone(self) -> bool:
        """It has ended, or was told to."""
        return bool(self._verdict) or self._asked_to_end

    @property
    def let_go(self) -> bool:
        """We told it to end."""
        return self._asked_to_end

    async def start(self) -> str:
        """Spawn it and wait for its hello; return the adapter's name and version.

        Raises:
            EngineDied: it ended, or said nothing in time.
        """
        self._oom_before = _oom_kills()
        self._child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "aistack_backend.inference.worker"),
            *("--engine", self._engine, "--site", str(self._site)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            limit=LINE_LIMIT,
            env=_environment(),
        )
        self._seen = self._moved = asyncio.get_running_loop().time()
        self._tasks = [asyncio.create_task(step) for step in (self._read(), self._log(), self._watch())]
        try:
            return await asyncio.wait_for(asyncio.shield(self._hello), self._patience.hello)
        except TimeoutError:
            self._verdict = f"said nothing for {self._patience.hello:.0f} s after its start and was killed"
            self.kill()
            return await self._hello

    def send(self, order: Order) -> None:
        """Send an order without waiting for anything."""
        if self._child and self._child.stdin and not self._child.stdin.is_closing():
            self._child.stdin.write(encode(order))

    async def reports(self, order: Order, until: float | None = None) -> AsyncGenerator[Report, None]:
        """Send an order and yield its reports, for as long as the caller wants more; ``until`` is a moment of the loop.

        Raises:
            EngineDied: the child ended or hung meanwhile.
            TimeoutError: ``until`` has come.
        """
        queue: asyncio.Queue[Report | None] = asyncio.Queue()
        self._waiting[order.id] = queue
        try:
            if self._verdict:
                raise self._death()
            self.send(order)
            while True:
                async with asyncio.timeout_at(until):  # around the wait alone: the caller's time is the caller's
                    report = await queue.get()
                if report is None:
                    break
                yield report
            raise self._death()
        finally:
            del self._waiting[order.id]

    async def stop(self) -> None:
        """Ask it to quit, kill it when it does not, and clean up."""
        self._asked_to_end = True
        child = self._child
        if child is None:
            return
        self.send(Order(do=Do.QUIT))
        try:
            await asyncio.wait_for(child.wait(), self._patience.quit)
        except TimeoutError:
            self.kill()
            await child.wait()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def kill(self) -> None:
        """SIGKILL the child and whatever it started."""
        if self._child and self._child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)

    async def _read(self) -> None:
        assert self._child is not None  # noqa: S101
        assert self._child.stdout is not None  # noqa: S101
        try:
            while line := await self._child.stdout.readline():
                self._take(decode(Report, line))
        except ValueError as error:
            self._verdict = f"wrote something that is not the protocol and was killed ({error})"
            self.kill()
        code = await self._child.wait()
        self._verdict = self._verdict or self._explain(code)
        if not self._asked_to_end:
            self._on_exit(self._sentence())
        if not self._hello.done():
            self._hello.set_exception(self._death())
        for queue in self._waiting.values():
            queue.put_nowait(None)

    def _take(self, report: Report) -> None:
        now = asyncio.get_running_loop().time()
        self._seen = now
        if report.what is Is.BEAT:
            if report.count != self._count or not report.busy:
                self._moved = now
            self._count, self._busy = report.count, report.busy
            self.beat = report
            self.on_beat()
        elif report.what is Is.HELLO:
            self._hello.set_result(report.detail)
        else:
            if report.what in (Is.EMBEDDING, Is.VECTOR, Is.REFUSED):
                self.embedding = report.id if report.what is Is.EMBEDDING else 0
            if report.id in self._waiting:
                self._waiting[report.id].put_nowait(report)

    async def _log(self) -> None:
        assert self._child is not None  # noqa: S101
        assert self._child.stderr is not None  # noqa: S101
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        handler = _Log(self._log_file, maxBytes=LOG_BYTES, backupCount=LOG_FILES, delay=True)
        with contextlib.closing(handler):
            while line := await self._child.stderr.readline():
                text = line.decode("utf-8", "replace").rstrip()
                self._tail.append(text)
                handler.emit(logging.makeLogRecord({"msg": text, "levelno": logging.INFO}))

    async def _watch(self) -> None:
        assert self._child is not None  # noqa: S101
        loop = asyncio.get_running_loop()
        ended = asyncio.ensure_future(self._child.wait())
        while not (await asyncio.wait({ended}, timeout=self._patience.silence / 8))[0]:
            quiet = loop.time() - self._seen
            if self._hello.done() and quiet > self._patience.silence:
                self._verdict = f"gave no sign of life for {quiet:.1f} s and was killed"
            elif self._busy and loop.time() - self._moved > self._patience.stuck:
                self._verdict = f"was busy without progress for {self._patience.stuck:.0f} s and was killed"
            if self._verdict:
                self.kill()

    def _sentence(self) -> str:
        return f"The model worker {self._verdict}."

    def _death(self) -> EngineDied:
        return EngineDied(self._sentence(), "It is restarted by itself: ask again in a moment.")

    def _explain(self, code: int) -> str:
        last = next((line for line in reversed(self._tail) if line.strip()), "")
        if code == -signal.SIGKILL and _oom_kills() > self._oom_before:
            return "was killed by signal 9 while the kernel counted an out-of-memory kill"
        if code < 0:
            name = signal.Signals(-code).name
            return f"was ended by {name}" + (f" after the log line: {last[:200]}" if code == -signal.SIGABRT else "")
        return f"ended with code {code}" + (f"; its last log line: {last[:200]}" if last else "")


class _Log(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """Do nothing: a full disk must not stop the chat."""


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _PASSED if name in os.environ}
    # GOMP_SPINCOUNT: the default spin collapses beside other load; NO_BACKTRACE: else it starts a debugger (facts §4)
    return {**kept, "GOMP_SPINCOUNT": "1000", "GGML_NO_BACKTRACE": "1", "PYTHONUNBUFFERED": "1"}


def _oom_kills() -> int:
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
