"""Children that end with us, whatever ends us."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

LEASH = """import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""
"""Asks the kernel for SIGTERM when our thread ends (PR_SET_PDEATHSIG), looks whether it has ended already, and becomes
the command. A program of its own: between fork and exec of a process with threads no Python may run."""
PASSED = ("HOME", "PATH", "USER", "LOGNAME", "SSH_AUTH_SOCK")


def leashed(command: Sequence[str], folder: Path) -> subprocess.Popen[str]:
    """Start ``command`` in ``folder``, in a session of its own without a terminal, its errors on a pipe.

    It gets SIGTERM when the calling thread ends, also by a kill of the process.
    """
    env = {name: os.environ[name] for name in PASSED if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", LEASH, str(os.getpid()), *command],
        cwd=folder,
        env={**env, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
