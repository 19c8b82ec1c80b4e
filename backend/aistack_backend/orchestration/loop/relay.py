"""Gives a program in the sandbox its model at ``http://127.0.0.1:8080/v1``: ``python3 /loop/relay.py PROGRAM WORDS…``.

It listens on the sandbox's own loopback, hands every byte of each connection to the mounted socket and back, runs the
program with the usual variables set, and ends with its exit code. It needs only the standard library.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

SOCKET = "/model/model.sock"
ADDRESS = ("127.0.0.1", 8080)
CHUNK = 65_536


def pump(source: socket.socket, target: socket.socket) -> None:
    """Hand on bytes until the source ends, then tell the target so."""
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def serve(caller: socket.socket, place: str) -> None:
    """Carry one connection; one that nobody takes is closed."""
    with caller, socket.socket(socket.AF_UNIX) as model:
        try:
            model.connect(place)
        except OSError as error:
            print(f"relay: {place}: {error.strerror}", file=sys.stderr, flush=True)
            return
        back = threading.Thread(target=pump, args=(model, caller), daemon=True)
        back.start()
        pump(caller, model)
        back.join()


def accept(listening: socket.socket, place: str) -> None:
    """Take connections until the socket is closed."""
    with contextlib.suppress(OSError):
        while True:
            caller, _ = listening.accept()
            threading.Thread(target=serve, args=(caller, place), daemon=True).start()


def variables(model: str) -> dict[str, str]:
    """Return what clients of OpenAI's API look for; the key is none."""
    base = f"http://{ADDRESS[0]}:{ADDRESS[1]}/v1"
    return {
        "OPENAI_BASE_URL": base,
        "OPENAI_API_BASE": base,
        "OPENAI_API_KEY": "none",
        "OPENAI_MODEL": model,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "HOME": "/tmp",  # noqa: S108  the container's own, the only place to write beside the workspace
    }


def main(words: list[str], place: str = SOCKET) -> int:
    """Listen, run the program, return its exit code (128 and the signal when one ended it)."""
    with socket.create_server(ADDRESS) as listening:
        threading.Thread(target=accept, args=(listening, place), daemon=True).start()
        model = Path("/loop/model.txt").read_text()
        try:
            code = subprocess.run(words, check=False, env={**os.environ, **variables(model)}).returncode
        except OSError as error:
            print(f"relay: {words[0]}: {error.strerror}", file=sys.stderr)
            return 127
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
