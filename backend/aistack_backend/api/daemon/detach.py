"""``serve --detach``: leave the terminal for good, and tell the one who waits whether it worked."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

READY = b"0 "


class Herald:
    """The daemon's end of the pipe to whoever started it; without a pipe it stays silent."""

    def __init__(self, fd: int = -1) -> None:
        self._fd = fd

    def ready(self) -> None:
        """Say that requests are answered."""
        self._say(READY)

    def failed(self, code: int, sentence: str) -> None:
        """Say why it does not come up."""
        self._say(f"{code} {sentence}".encode())

    def _say(self, message: bytes) -> None:
        if self._fd >= 0:
            with suppress(BrokenPipeError):  # whoever started us has gone; that is no reason to end
                os.write(self._fd, message)
            os.close(self._fd)
            self._fd = -1


def detach(run: Callable[[Herald], int]) -> tuple[int, str]:
    """Run ``run`` in a process with a session of its own and no terminal; wait until it says how it went.

    Returns 0 and "" once it serves, else its exit code and its sentence. Call it before any thread exists.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _leave(writer, run)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read()
    code, _, sentence = said.decode(errors="replace").partition(" ")
    if not code.isdigit():
        return 1, "The backend died before it could say why; its log is logs/backend.log in the data folder."
    return int(code), sentence


def _leave(writer: int, run: Callable[[Herald], int]) -> NoReturn:
    """Fork again from a new session, so that no terminal can become ours again, and run there."""
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    code = 1
    try:
        code = run(Herald(writer))
    finally:
        os._exit(code)
