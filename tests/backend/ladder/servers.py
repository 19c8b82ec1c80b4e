"""Small servers on the loopback that probes are tried on: real sockets, in threads of the test."""

from __future__ import annotations

import importlib
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from aistack_backend.containers.models import ExecResult

STANDINS = Path(__file__).resolve().parents[2] / "bed" / "images" / "standins"
Talk = Callable[[socket.socket], None]


class Loopback:
    """Implements ``Reach`` for a server of the test: every container port is at its address."""

    def __init__(self, port: int, *, seconds: float = 2.0, **secrets: str) -> None:
        self.port = port
        self.seconds = seconds
        self._secrets = secrets
        self.done = ExecResult(exit_code=0, out=b"", err=b"")
        self.commands: list[tuple[str, ...]] = []

    def address(self, port: int) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def secret(self, name: str) -> str:
        return self._secrets[name]

    def exec(self, command: Sequence[str], seconds: float) -> ExecResult:
        self.commands.append(tuple(command))
        return self.done


@contextmanager
def talking(talk: Talk) -> Iterator[int]:
    """Serve each connection with ``talk`` in a thread; yields the port."""
    server = socket.create_server(("127.0.0.1", 0))
    open_now: list[socket.socket] = []

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            talk(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                open_now.append(connection)
                threading.Thread(target=one, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield int(server.getsockname()[1])
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)
        for connection in open_now:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def saying(answer: bytes) -> Talk:
    """Return a server that reads once and says the same to everybody."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    return talk


def dripping(answer: bytes, pause: float) -> Talk:
    """Return a server that says a byte now and then, and never comes to the end."""
    never = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        for at in range(10**6):
            connection.sendall(answer[at % len(answer) :][:1])
            if never.wait(pause):
                return

    return talk


def silent(connection: socket.socket) -> None:
    """Read, and never answer."""
    while connection.recv(65536):
        pass


def http(status: str, body: bytes, kind: str = "application/json") -> bytes:
    """Return a whole HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def standin(name: str, **wish: Any) -> Iterator[int]:
    """Serve a stand-in of the test bed, all its ports as one; ``wish`` replaces names of its module."""
    sys.path.insert(0, str(STANDINS))
    before = set(sys.modules)
    try:
        module: ModuleType = importlib.import_module(name)
        face: ModuleType = importlib.import_module("face")
        for key, value in wish.items():
            for one in [module, *(sys.modules[it] for it in set(sys.modules) - before)]:
                if hasattr(one, key):
                    setattr(one, key, value)
        server = ThreadingHTTPServer(("127.0.0.1", 0), face.handler(name, partial(_first, module.FACES)))
        server.daemon_threads = True
    finally:
        sys.path.remove(str(STANDINS))
        for one_more in set(sys.modules) - before:
            del sys.modules[one_more]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _first(faces: dict[int, Callable[[Any], Any]], request: Any) -> Any:
    """Return the answer of the first port that knows the path."""
    answers = [face(request) for face in faces.values()]
    return next((one for one in answers if one.status not in (404, 405)), answers[-1])


class WgetInside(Loopback):
    """Runs ``wget --header=… --post-data=… URL`` as BusyBox does, against the server of the test."""

    def exec(self, command: Sequence[str], seconds: float) -> ExecResult:
        self.commands.append(tuple(command))
        if command[0] != "wget" or self.done.exit_code:
            return self.done
        given = dict(word.removeprefix("--").split("=", 1) for word in command if word.startswith("--"))
        name, _, value = given["header"].partition(": ")
        url = urlsplit(command[-1])
        asked = Request(
            f"http://127.0.0.1:{self.port}{url.path}", data=given["post-data"].encode(), headers={name: value}
        )
        try:
            with urlopen(asked, timeout=seconds) as answer:
                return ExecResult(exit_code=0, out=answer.read(), err=b"")
        except HTTPError as error:
            return ExecResult(exit_code=1, out=b"", err=f"wget: server returned error: HTTP/1.1 {error.code}".encode())
        except OSError as error:
            return ExecResult(exit_code=1, out=b"", err=f"wget: can't connect to remote host: {error}".encode())


class Redis:
    """As much of Redis as the probe uses: AUTH, SET, GET, DEL; ``refuse`` maps a command to the error it gets."""

    def __init__(self, password: str = "", **refuse: str) -> None:
        self.keys: dict[str, str] = {}
        self.forgets = False
        self._password = password
        self._refuse = refuse

    def __call__(self, connection: socket.socket) -> None:
        known = not self._password
        with connection.makefile("rb") as asked:
            while head := asked.readline():
                words = []
                for _ in range(int(head[1:])):
                    size = int(asked.readline()[1:])
                    words.append(asked.read(size + 2)[:-2].decode())
                if words[0] == "AUTH":
                    known = words[1] == self._password
                    said = (
                        b"+OK\r\n" if known else b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
                    )
                else:
                    said = self._answer(words) if known else b"-NOAUTH Authentication required.\r\n"
                connection.sendall(said)

    def _answer(self, words: list[str]) -> bytes:
        name, key = words[0], words[1]
        if name in self._refuse:
            return f"-{self._refuse[name]}\r\n".encode()
        if name == "SET":
            if not self.forgets:
                self.keys[key] = words[2]
            return b"+OK\r\n"
        if name == "GET":
            value = self.keys.get(key)
            return b"$-1\r\n" if value is None else f"${len(value)}\r\n{value}\r\n".encode()
        return f":{int(self.keys.pop(key, None) is not None)}\r\n".encode()
