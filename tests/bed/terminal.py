"""A program in a real pseudo-terminal, with the screen that a person would see."""

from __future__ import annotations

import signal
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Self

import pexpect
import pyte

PATIENCE = 60.0
"""Seconds that a screen may take to show what is waited for, on a busy machine."""


class Terminal:
    """Spawn a command in a PTY; read its screen; press keys. Waits only on output, never on time."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], columns: int = 80, lines: int = 24) -> None:
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        """Every byte that the program wrote."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # forkpty beside threads; the child execs at once
            self.child = pexpect.spawn(
                command[0],
                list(command[1:]),
                env={**env, "TERM": "xterm-256color", "LANG": "C.UTF-8"},
                dimensions=(lines, columns),
                timeout=PATIENCE,
            )
        self.child.delaybeforesend = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def text(self) -> str:
        """The screen as lines of text."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def line(self, containing: str) -> str:
        """Return the first line of the screen that contains a text."""
        return next((line for line in self.screen.display if containing in line), "")

    def press(self, keys: str) -> None:
        """Type keys, as the bytes that a terminal would send."""
        self.child.send(keys)

    def wait_for(self, wanted: str | Callable[[str], bool], seconds: float = PATIENCE) -> str:
        """Read output until the screen shows ``wanted``; return the screen.

        Raises:
            AssertionError: it did not in time, or the program ended; the sentence shows the screen.
        """
        shown = wanted if callable(wanted) else lambda text: wanted in text
        deadline = time.monotonic() + max(seconds, PATIENCE)
        while not shown(self.text):
            self._read(deadline, f"{wanted!r} was not shown in {seconds:g} s")
        return self.text

    def wait_gone(self, text: str, seconds: float = PATIENCE) -> str:
        """Read output until the screen no longer shows a text."""
        return self.wait_for(lambda screen: text not in screen, seconds)

    def watch(self, seconds: float) -> str:
        """Take in output for that long, where the rule that is tested is itself about time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._feed(left)
        return self.text

    def settle(self, quiet: float = 0.3, seconds: float = PATIENCE) -> str:
        """Read output until none comes for ``quiet`` seconds: the program has drawn what it had to draw."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self._feed(quiet):
                break
        return self.text

    def wait_end(self, seconds: float = PATIENCE) -> int | None:
        """Read until the program has ended; return its exit code (None when a signal ended it)."""
        deadline = time.monotonic() + max(seconds, PATIENCE)
        while self._alive(deadline):
            assert time.monotonic() < deadline, f"it did not end in {seconds:g} s; the screen:\n{self.text}"
        self.child.close()
        code: int | None = self.child.exitstatus
        return code

    def hang_up(self) -> None:
        """Take the terminal away, as a lost SSH connection does."""
        self.child.ptyproc.fileobj.close()
        self.child.closed = True

    def close(self) -> None:
        """End the program if it still runs, and wait for that however busy the machine is."""
        if not self.child.closed:
            with suppress(pexpect.ExceptionPexpect):  # it gives a killed program a tenth of a second to be gone
                self.child.close(force=True)
            self.child.closed = True
        if self.child.isalive():
            self.child.kill(signal.SIGKILL)
            self.child.wait()

    def _alive(self, deadline: float) -> bool:
        try:
            self._feed(max(0.01, deadline - time.monotonic()))
        except pexpect.EOF:
            return False
        return True

    def _read(self, deadline: float, complaint: str) -> None:
        left = deadline - time.monotonic()
        assert left > 0, f"{complaint}; the screen:\n{self.text}"
        try:
            self._feed(left)
        except pexpect.EOF:
            raise AssertionError(f"{complaint}, and the program ended; the screen:\n{self.text}") from None

    def _feed(self, seconds: float) -> bool:
        try:
            data: bytes = self.child.read_nonblocking(65536, timeout=seconds)
        except pexpect.TIMEOUT:
            return False
        self.raw += data
        self._stream.feed(data)
        return True
