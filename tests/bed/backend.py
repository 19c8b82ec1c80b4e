"""A real backend on a data directory of its own, and the commands of a person beside it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENT = 60.0
"""Seconds that a wait may take at least: two busy cores prove nothing by being slow."""

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
CONSOLE, BACKEND = str(BIN / "aistack-console"), str(BIN / "aistack-backend")


class House:
    """A data directory and the environment in which every program of the product uses it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.data = folder / "d"
        self.env = {
            **{name: value for name, value in os.environ.items() if name in _PASSED},
            "AISTACK_DATA_DIR": str(self.data),
            "AISTACK_CONFIG": str(folder / "config.toml"),
            "AISTACK_MODEL_ENABLED": "false",
            "CONTAINER_HOST": f"unix://{os.environ.get('AISTACK_TEST_PODMAN', '/run/podman/podman.sock')}",
            **settings,
        }
        self._backend: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """The operator's socket."""
        return self.data / "run" / "backend.sock"

    def start(self) -> subprocess.Popen[bytes]:
        """Start a backend in the foreground of a process of ours and wait until it answers."""
        log = (self.folder / "serve.log").open("ab")
        backend = subprocess.Popen([BACKEND, "serve"], env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        self._backend = backend
        wait_until(self.answers, 30, lambda: f"no backend answers; it said:\n{self.said()}", backend)
        return backend

    def said(self) -> str:
        """What the backend printed."""
        log = self.folder / "serve.log"
        return log.read_text(errors="replace")[-4000:] if log.exists() else ""

    def answers(self) -> bool:
        """Whether the socket accepts."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def cli(self, *words: str, code: int | None = 0, typed: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run ``aistack-console WORDS`` through pipes; ``code`` is the exit code that must come (None = any)."""
        given: dict[str, Any] = {"stdin": subprocess.DEVNULL} if typed is None else {"input": typed}
        done = subprocess.run(
            [CONSOLE, *words], env=self.env, capture_output=True, text=True, check=False, timeout=90, **given
        )
        assert code in (None, done.returncode), f"{words} gave {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def stop(self) -> None:
        """End the backend and remove the folder."""
        self.stop_backend()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop_backend(self) -> None:
        """End the backend, also one that a console started."""
        if self._backend is not None and self._backend.poll() is None:
            self._backend.terminate()
            self._backend.wait(20)
        elif self.answers():
            subprocess.run([BACKEND, "stop"], env=self.env, capture_output=True, check=False, timeout=30)


_PASSED = {"PATH", "HOME", "LANG", "USER", "LOGNAME", "SSL_CERT_FILE", "AISTACK_CACHE_DIR", "XDG_RUNTIME_DIR"}


@contextmanager
def house(**settings: str) -> Iterator[House]:
    """Give a house in a short folder (a socket's path has 107 bytes), and tidy it away."""
    made = House(Path(tempfile.mkdtemp(prefix="ai-", dir="/tmp")), **settings)
    try:
        yield made
    finally:
        made.stop()


def wait_until(
    good: Callable[[], bool],
    seconds: float,
    complaint: Callable[[], str] | str,
    process: subprocess.Popen[bytes] | None = None,
) -> None:
    """Look again and again until ``good`` says yes, for what tells no event of its own.

    Raises:
        AssertionError: it did not in time, or the process ended.
    """
    tick, until = threading.Event(), time.monotonic() + max(seconds, PATIENT)
    while not good():
        if (process is not None and process.poll() is not None) or time.monotonic() > until:
            break
        tick.wait(0.02)
    else:
        return
    raise AssertionError(complaint() if callable(complaint) else complaint)
