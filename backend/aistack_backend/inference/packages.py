"""Run pip as a child: it fetches from whatever index this machine is set up for, and never changes what runs here."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from aistack_backend.errors import Unavailable
from aistack_backend.inference.progress import Tell

OnLine = Callable[[str], None]
_BYTES = re.compile(r"Progress (\d+) of (\d+)")
_OFFLINE = re.compile(
    r"NewConnectionError|Name or service not known|Temporary failure in name|Network is unreachable|Connection refused"
    r"|Max retries exceeded|ConnectTimeout|NameResolutionError|No route to host"
)
_FULL = re.compile(r"No space left on device|Errno 28|Disk quota exceeded")
_WRONG = re.compile(r"DO NOT MATCH THE HASHES")


class Stopper:
    """Stops a preparation from another thread: the running child is killed with all it started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._calls: list[Callable[[], object]] = []
        self.event = threading.Event()

    def stop(self) -> None:
        """Stop now; everything that is asked to run later fails at once."""
        with self._lock:
            self.event.set()
            for call in self._calls:
                call()
            if self._child:
                _end_session(self._child.pid)

    @contextlib.contextmanager
    def telling(self, call: Callable[[], object]) -> Iterator[None]:
        """Call ``call`` when it is stopped meanwhile.

        Raises:
            Unavailable: stopped already.
        """
        with self._lock:
            self.check()
            self._calls.append(call)
        try:
            yield
        finally:
            with self._lock:
                self._calls.remove(call)

    @contextlib.contextmanager
    def watching(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
        """Start a child in its own session, at low priority, and own it.

        Raises:
            Unavailable: stopped already.
        """
        with self._lock:
            self.check()
            child = subprocess.Popen(  # the child's lines are read by the caller
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=dict(environment),
                start_new_session=True,
            )
            self._child = child
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PGRP, child.pid, 10)
        try:
            with child:
                yield child
        finally:
            self._child = None

    def check(self) -> None:
        """Raise when stopped.

        Raises:
            Unavailable: it was stopped.
        """
        if self.event.is_set():
            raise Unavailable("The preparation was stopped.", "It goes on at the next start.", kind="stopped")


def _end_session(leader: int) -> None:
    # not by process group: ninja gives each compiler a group of its own
    for _ in range(10):
        members = [pid for pid in psutil.pids() if _session_of(pid) == leader]
        for pid in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not members:
            return


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def pip(
    arguments: Sequence[str], stopper: Stopper, on_line: OnLine, environment: Mapping[str, str] | None = None
) -> None:
    """Run pip to its end, handing out every line it prints.

    Raises:
        Unavailable: no network, a full disk, a wrong hash, or pip's own last error, in one sentence.
    """
    if importlib.util.find_spec("pip") is None:
        raise Unavailable(
            "pip is not installed beside the backend, so nothing can be fetched.",
            f"Install it: {sys.executable} -m ensurepip, or uv pip install pip.",
            kind="no-pip",
        )
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", **(environment or {})}
    command = [sys.executable, "-P", "-m", "pip", arguments[0], "--retries=2", "--timeout=15", "--progress-bar=raw"]
    command.extend(arguments[1:])
    last: deque[str] = deque(maxlen=60)
    with stopper.watching(command, env) as child:
        assert child.stdout is not None  # noqa: S101
        for line in child.stdout:
            last.append(line.strip())
            on_line(line)
    stopper.check()
    if child.returncode:
        raise _explain("\n".join(last), arguments[0])


def pinned(name: str) -> list[str]:
    """Return pip's arguments for a requirements file that ships with this package, hashes and all."""
    return ["--require-hashes", "-r", str(Path(__file__).parent / name)]


@contextlib.contextmanager
def only_one(file: Path, stage: str, tell: Tell, stopper: Stopper) -> Iterator[None]:
    """Hold a lock file against every other process; say so while another one holds it.

    Raises:
        Unavailable: stopped while waiting.
    """
    with file.open("w") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                tell(stage, 0, None, "steps", "Another process is preparing this; waiting for it.")
                stopper.event.wait(0.5)
                stopper.check()
        yield


def bytes_done(line: str) -> tuple[int, int] | None:
    """Read pip's raw progress: bytes done and in all; None when the line is another one."""
    found = _BYTES.search(line)
    return (int(found[1]), int(found[2])) if found else None


def _explain(output: str, verb: str) -> Unavailable:
    if _WRONG.search(output):
        return Unavailable(
            "A fetched package does not have the sha256 that is pinned for it, so it was thrown away.",
            "Check which package index this machine uses, then try again.",
            kind="wrong-hash",
        )
    if _FULL.search(output):
        return Unavailable("The disk is full.", "Free some space and try again.", kind="disk-full")
    if _OFFLINE.search(output):
        return Unavailable(
            "The package index cannot be reached.", "Connect to the network and try again.", kind="offline"
        )
    errors = [line for line in output.splitlines() if "error" in line.lower()]
    return Unavailable(
        f"pip {verb} failed: {(errors or ['no reason given'])[-1][:300]}", "Try again.", kind="pip-failed"
    )
