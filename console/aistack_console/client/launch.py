"""Start a backend when none answers, as tmux starts its server."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from aistack_console.errors import BackendDown
from aistack_console.text import plain

PATIENCE = 20.0
"""Seconds that a new backend has to answer."""
STEP = 0.05
"""Seconds between two looks at the socket."""


def answers(socket_path: Path) -> bool:
    """Tell whether something accepts connections on the socket now (at most 0.5 s)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        try:
            probe.connect(str(socket_path))
        except OSError:
            return False
    return True


def command(data_dir: Path) -> tuple[str, ...]:
    """Return the command that starts a detached backend for a data directory."""
    beside = Path(sys.executable).with_name("aistack-backend")
    program = str(beside) if beside.exists() else shutil.which("aistack-backend")
    start = (program,) if program else (sys.executable, "-P", "-m", "aistack_backend")
    return (*start, "serve", "--detach", "--data-dir", str(data_dir))


async def ensure(data_dir: Path, socket_path: Path, stack_file: str = "") -> bool:
    """Make sure that a backend answers; True when one had to be started (with ``stack_file``, when one is given).

    Raises:
        BackendDown: it could not be started; the sentence carries what it said.
    """
    if await asyncio.to_thread(answers, socket_path):
        return False
    said = await _start(command(data_dir), {"AISTACK_STACK": stack_file} if stack_file else {})
    deadline = time.monotonic() + PATIENCE
    while not await asyncio.to_thread(answers, socket_path):
        if time.monotonic() > deadline:
            raise BackendDown(f"The backend was started and does not answer on {socket_path}.{said}")
        await asyncio.sleep(STEP)
    return True


async def _start(words: tuple[str, ...], more: Mapping[str, str] | None = None) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **(more or {})},
        )
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    except OSError as error:
        raise BackendDown(f"The backend cannot be started: {words[0]}: {error.strerror}.") from error
    except TimeoutError as error:
        raise BackendDown(f"Starting the backend took longer than {PATIENCE:.0f} s.") from error
    said = plain(output.decode(errors="replace"), "drop").strip()
    if process.returncode:
        raise BackendDown(f"The backend did not start: {said or f'exit code {process.returncode}'}")
    return f" It said: {said}" if said else ""
