"""Programs that read what strangers made: a child with limits, in a group of its own, that is ended as a whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LAUNCHER = Path(__file__).with_name("confined.py")
SAID = 4_096
"""Characters of what it complained of that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a child may use."""

    seconds: float
    """By the clock; its processor time is bounded by as much."""
    memory: int
    """Bytes of address space of each process."""
    file: int
    """Bytes of one file that it writes."""


class Child:
    """One confined program. ``end`` may be called from any thread; leaving the ``with`` ends it, too.

    What it says on its error stream is kept in ``said()``. Its environment is the given one and nothing else.
    """

    def __init__(
        self, words: Sequence[str], bounds: Bounds, env: Mapping[str, str], folder: Path | None = None
    ) -> None:
        limits = (str(max(1, int(bounds.seconds))), str(bounds.memory), str(bounds.file))
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LAUNCHER), *limits, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(env),
            cwd=folder,
            start_new_session=True,
        )
        self.late = False
        """It was ended because its time was over."""
        self._errors: list[str] = []
        self._reading = threading.Thread(target=self._listen, daemon=True)
        self._reading.start()
        self._timer = threading.Timer(bounds.seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def input(self) -> IO[bytes]:
        """What it reads."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        return self._process.stdin

    @property
    def output(self) -> IO[bytes]:
        """What it writes."""
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        return self._process.stdout

    def wait(self) -> int:
        """Wait for its end; negative = the signal that ended it."""
        self._process.wait()
        self._reading.join()
        return self._process.returncode

    def said(self) -> str:
        """Return the line of what it complained of that says most."""
        lines = [line.strip() for line in "".join(self._errors).splitlines() if line.strip()]
        return next((line for line in lines if line.startswith("fatal:")), lines[-1] if lines else "")

    def end(self) -> None:
        """End it with everything that it started."""
        self._timer.cancel()
        with suppress(ProcessLookupError):  # until it is waited for, its number is nobody else's
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reading.join()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            with suppress(OSError):
                if stream is not None:
                    stream.close()

    def _expire(self) -> None:
        self.late = True
        with suppress(ProcessLookupError):
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)

    def _listen(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - a pipe
        kept = 0
        with suppress(OSError, ValueError):
            for line in self._process.stderr:
                if kept < SAID:
                    self._errors.append(line[:SAID].decode(errors="replace"))
                    kept += len(line)
