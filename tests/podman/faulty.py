"""A Podman service of the test's own, and a socket in front of one that misbehaves on command."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

ODD = {"list of numbers": b"[1, 2]", "other object": b'{"a": 1}', "null": b"null", "text": b'"OK"', "OK": b"OK"}
"""Answers that are well-formed and of the wrong shape."""


class Service:
    """``podman system service`` on a socket of its own; may be killed, frozen and started again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["podman", "system", "service", "--time=0", self.url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(200):
            with socket.socket(socket.AF_UNIX) as knock, contextlib.suppress(OSError):
                knock.connect(str(self.path))
                return
            threading.Event().wait(0.02)
        raise AssertionError("the service did not come up")

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self, *, remove: bool = False) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None
        if remove:
            self.path.unlink(missing_ok=True)


class Proxy:
    """Passes bytes between its socket and Podman's, in a way that ``mode`` chooses for each new connection.

    pass · garbage (answers noise) · half (closes after 100 bytes of the answer) · wrong (well-formed HTTP that is
    no Podman's) · broken (500) · hang (never answers) · slow (answers after ``delay`` seconds) · drip (a byte each
    50 ms) · refuse (closes at once).
    """

    def __init__(self, path: Path, target: str) -> None:
        self.path, self.mode, self.delay = path, "pass", 1.0
        self._target = target
        self._over = threading.Event()
        self._open: set[socket.socket] = set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def cut(self) -> None:
        """End every connection that is open."""
        for one in tuple(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def switch(self, mode: str) -> None:
        """Misbehave from now on, also towards those who are connected."""
        self.mode = mode
        self.cut()

    def close(self) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        self._thread.join(5)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.add(client)
            threading.Thread(target=self._serve, args=(client, self.mode), daemon=True).start()

    def _serve(self, client: socket.socket, mode: str) -> None:
        try:
            with client:
                self._behave(client, mode)
        except OSError:
            return
        finally:
            self._open.discard(client)

    @staticmethod
    def _end(one: socket.socket) -> None:
        # A socket that another thread is reading is not ended by closing it.
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)

    def _behave(self, client: socket.socket, mode: str) -> None:
        if mode == "refuse":
            return
        if mode in ("pass", "half", "slow", "drip"):
            with socket.socket(socket.AF_UNIX) as server:
                server.connect(self._target)
                self._open.add(server)
                try:
                    self._pass(client, server, mode)
                finally:
                    self._end(client)
                    self._end(server)
                    self._open.discard(server)
            return
        client.recv(1 << 16)
        if mode == "garbage":
            client.sendall(os.urandom(4000))
        elif mode == "wrong":
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>")
        elif mode in ODD:
            body = ODD[mode]
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            client.sendall(head.encode() + body)
        elif mode == "broken":
            client.sendall(b'HTTP/1.1 500 Oops\r\nContent-Length: 20\r\nConnection: close\r\n\r\n{"message":"broken"}')
        elif mode == "hang":
            self._over.wait(30)

    def _pass(self, client: socket.socket, server: socket.socket, mode: str) -> None:
        def up() -> None:
            with contextlib.suppress(OSError):
                while data := client.recv(1 << 16):
                    server.sendall(data)
                server.shutdown(socket.SHUT_WR)

        threading.Thread(target=up, daemon=True).start()
        sent = 0
        while data := server.recv(1 << 16):
            if mode == "slow":
                self._over.wait(self.delay)
            if mode == "half":
                client.sendall(data[: max(0, 100 - sent)])
                sent += len(data)
                if sent >= 100:
                    return
                continue
            if mode == "drip":
                for byte in data:
                    client.sendall(bytes([byte]))
                    self._over.wait(0.05)
                continue
            client.sendall(data)
