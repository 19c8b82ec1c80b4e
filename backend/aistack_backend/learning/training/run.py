"""Run the child that learns, within limits of time and memory; ended with us, and on request from any thread."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.learning.training.job import Ended, Job
from aistack_backend.wire.training import Figures

LOOK = 0.25
"""Seconds between two looks at time and memory."""
_PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
Tell = Callable[[str, int, int, float | None, int], None]


class Run:
    """One child. ``run`` blocks; ``halt`` ends it from another thread."""

    def __init__(self, job: Job, log: Path, *, seconds: float, memory: int, tell: Tell = lambda *_: None) -> None:
        """``tell`` gets the stage, how much of it is done of how much, the loss where one was measured (nats a token),
        and the bytes that the child was seen to hold last; 0 = it was not looked at yet."""
        self._job, self._log, self._seconds, self._memory, self._tell = job, log, seconds, memory, tell
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._why = ""
        self._bytes = 0

    @property
    def pid(self) -> int:
        """The process id; 0 before the start."""
        return self._child.pid if self._child else 0

    def run(self) -> Ended:
        """Learn, and return how it ended.

        Raises:
            BadInput: the dataset or the model cannot be used. Unavailable: a limit was reached, or the child died.
        """
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            with self._lock:
                if self._why:
                    raise Unavailable(self._why)
                self._child = child = self._spawn(log.fileno())
            watcher = threading.Thread(target=self._watch, args=(child,), name="training", daemon=True)
            watcher.start()
            try:
                return self._follow(child)
            finally:
                self._over.set()
                _kill(child)
                with contextlib.suppress(BrokenPipeError), child:
                    watcher.join()  # leaving waits for the child and closes its pipes

    def halt(self, why: str = "It was stopped.") -> None:
        """End it; ``run`` raises Unavailable with this sentence."""
        with self._lock:
            self._why = self._why or why
            if self._child is not None:
                _kill(self._child)

    def _spawn(self, log: int) -> subprocess.Popen[bytes]:
        environment = {name: os.environ[name] for name in _PASSED if name in os.environ}
        threads = str(self._job.threads)
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "aistack_backend.learning.training.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            env={**environment, "OPENBLAS_NUM_THREADS": threads, "GOMP_SPINCOUNT": "1000", "GGML_NO_BACKTRACE": "1"},
        )

    def _follow(self, child: subprocess.Popen[bytes]) -> Ended:
        assert child.stdin is not None  # noqa: S101 - both are pipes
        assert child.stdout is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(json.dumps(asdict(self._job)).encode() + b"\n")
            child.stdin.flush()  # it stays open: its end tells the child that we are gone
        for line in child.stdout:
            said: dict[str, Any] = json.loads(line)
            if "failed" in said:
                raise BadInput(str(said["failed"]), str(said["hint"]))
            if "ended" in said:
                ended = said["ended"]
                return Ended(**{**ended, "figures": Figures(**ended["figures"])})
            loss = said.get("loss")
            known = None if loss is None else float(loss)
            self._tell(str(said["stage"]), int(said["done"]), int(said["total"]), known, self._bytes)
        code = child.wait()
        raise Unavailable(self._why or f"The child that learns ended with code {code}.", f"Its log is {self._log}.")

    def _watch(self, child: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + self._seconds
        while not self._over.wait(LOOK):
            if time.monotonic() > until:
                self.halt(f"It took longer than {self._seconds:g} seconds and was ended.")
                continue
            self._bytes = held = _held(child.pid)
            if held > self._memory:
                self.halt(f"It held {held // 1_000_000} MB of memory, {self._memory // 1_000_000} are the most.")


def _held(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _kill(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
