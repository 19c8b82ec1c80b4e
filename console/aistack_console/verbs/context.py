"""What every verb stands on: the chosen options, one connection to the backend, and how to print."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from wcwidth import wcswidth

from aistack_backend.wire import configfile
from aistack_backend.wire.base import Raw
from aistack_backend.wire.rendezvous import socket_path
from aistack_backend.wire.sources import SourceState
from aistack_backend.wire.status import Status
from aistack_console.client import act, launch
from aistack_console.client.api import Client
from aistack_console.client.spans import LEAVING, Spans
from aistack_console.errors import ConsoleError
from aistack_console.operator import key_of
from aistack_console.options import Options
from aistack_console.present.header import mismatch
from aistack_console.text import one_line, plain
from aistack_console.verbs.exits import Exit

T = TypeVar("T")
YOUNG = 8.0
"""Seconds after its start in which a backend may still be reaching for Podman, the engine and the model."""
YOUNG_HOST = 2.0
"""The same for another machine: one that is away must not hold up what concerns this one."""


class VerbError(ConsoleError):
    """A verb that ends with one sentence and an exit code of its own."""

    def __init__(self, code: Exit, detail: str, hint: str = "") -> None:
        super().__init__(detail, hint)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One run of one verb."""

    options: Options
    arguments: argparse.Namespace
    measured: list[Spans] = field(default_factory=list)
    """What was measured of the calls, of each connection."""

    @property
    def json(self) -> bool:
        """Whether wire types are to be printed as JSON."""
        return getattr(self.arguments, "json", False)

    def with_backend(self, job: Callable[[Client], Awaitable[T]]) -> T:
        """Run ``job`` with a client; start a backend first when none answers and that is wanted.

        Raises:
            ConsoleError: no backend, or what the backend said. ConfigError: the operator key cannot be used.
            ValueError: the data directory's path is too long for a socket.
        """
        return asyncio.run(self._with_backend(job))

    async def _with_backend(self, job: Callable[[Client], Awaitable[T]]) -> T:
        socket = socket_path(self.options.data_dir)
        started, file = False, self.options.stack_file
        if self.options.start_backend:
            started = await launch.ensure(self.options.data_dir, socket, file)
        config = configfile.load(self.options.config_file, os.environ).config
        client = Client(socket, via="cli", operator=key_of(config))
        client.spans.on = not self.options.view_only
        self.measured.append(client.spans)
        try:
            client.refusal = mismatch(await _settled(client))
            if file and not started:
                await client.use_stack(file)
            return await job(client)
        finally:
            await client.close()

    def tell(self) -> None:
        """Tell the backend what was measured, once the verb has printed what it has to say. Raises nothing."""
        for spans in self.measured:
            if spans.waiting:
                asyncio.run(spans.tell(LEAVING))

    def mutate(self, verb: str) -> None:
        """Refuse a verb that changes something when only looking is allowed.

        Raises:
            VerbError: ``--view-only`` was given.
        """
        if self.options.view_only:
            raise VerbError(Exit.NOT_ALLOWED, f"{verb} changes something and --view-only was given.")

    def show(self, wire: Any, human: Callable[[], str]) -> None:
        """Print a wire object: as JSON with ``--json``, else as ``human`` words it."""
        print(to_json(wire) if self.json else human(), flush=True)


async def _settled(client: Client) -> Status:
    """Let a backend that has just been started reach its sources; one that has been up longer is not waited for."""
    status = await client.status()
    with suppress(TimeoutError):
        async with asyncio.timeout(YOUNG):
            while _young(status):
                await asyncio.sleep(0.05)
                status = await client.status()
    return status


def _young(status: Status) -> bool:
    age = time.time() - status.started_at
    reaching = (one.name for one in status.sources if one.state is SourceState.CONNECTING)
    return any(age < (YOUNG_HOST if name.startswith("host ") else YOUNG) for name in reaching)


def to_json(wire: Any, *, indent: int | None = 2) -> str:
    """Return a wire object as JSON; ``indent=None`` gives one line."""
    return json.dumps(_bare(wire), indent=indent, ensure_ascii=False)


def _bare(value: Any) -> Any:
    if isinstance(value, Raw):
        return value.value
    if dataclasses.is_dataclass(value):
        return {item.name: _bare(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(key): _bare(item) for key, item in value.items()}
    return [_bare(item) for item in value] if isinstance(value, tuple | list) else value


def columns(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of aligned columns; every cell is made one harmless line."""
    table = [tuple(titles), *(tuple(one_line(cell) for cell in row) for row in rows)]
    widths = [max(_width(row[index]) for row in table) for index in range(len(titles))]
    return "\n".join(
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    )


def fields(pairs: Iterable[tuple[str, str]]) -> str:
    """Return ``name  value`` lines, the names padded; pairs with an empty value are left out."""
    told = [(name, plain(value)) for name, value in pairs if value]
    width = max((len(name) for name, _ in told), default=0)
    indent = "\n" + " " * (width + 2)
    return "\n".join(f"{name:<{width}}  {value.replace(chr(10), indent)}" for name, value in told)


def _width(text: str) -> int:
    cells = wcswidth(text)
    return cells if cells >= 0 else len(text)


def ago(at: float | None) -> str:
    """Return how long ago a moment was, e.g. ``6m`` ; ``-`` when it is not known."""
    from aistack_console.present.units import span

    return span(None if at is None else time.time() - at)


def interactive() -> bool:
    """Say whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def question(prompt: str) -> str:
    """Ask on stderr, so that stdout stays what was asked for; return the answer, ``""`` at end of input."""
    print(prompt, end="", file=sys.stderr, flush=True)
    said = sys.stdin.readline().strip()
    act.answered()
    return said


def warn(sentence: str) -> None:
    """Say something beside the output."""
    print(plain(sentence), file=sys.stderr, flush=True)
