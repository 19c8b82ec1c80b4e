"""``[hosts.NAME]``: other machines whose Podman is read through an ssh tunnel, and what their keys may be.

What stands here becomes arguments of ``ssh``: only plain words are taken, so that none can be read as an option, a
second command, or a place that the person did not write.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

LOCAL = "local"
"""How this machine may be called before a name: ``local/web``."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
LOGIN = re.compile(
    r"(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]*)@(?:\[(?P<six>[0-9A-Fa-f:]+)\]|(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
SOCKET = re.compile(r"/[A-Za-z0-9_.@+/-]+")
FILE = re.compile(r"/[^\x00-\x1f\x7f\"'\\$%]+")
ROOT_SOCKET = "/run/podman/podman.sock"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostConfig:
    """One other machine, every value checked."""

    name: str
    user: str
    host: str
    port: int = 22
    socket: str = ROOT_SOCKET
    """Path of Podman's API socket there."""
    identity: str = ""
    """File of the private key; empty = ssh's usual ones, and the agent."""
    known_hosts: str = ""
    """File of known host keys; empty = ssh's usual ones."""

    @property
    def address(self) -> str:
        """``ssh://user@host:port/path``: as Podman's own ``--url`` takes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ssh://{self.user}@{host}:{self.port}{self.socket}"


DOC = {
    "ssh": 'The login, "user@host" or "user@host:port"; needed.',
    "socket": f"Podman's API socket there; root's default is {ROOT_SOCKET}, others must say it.",
    "identity": "File of the private key; empty = ssh's usual ones, and the agent.",
    "known_hosts": "File of known host keys; empty = ssh's usual ones. An unknown or changed key is refused.",
}
"""The keys of one host, and what each is."""


class HostError(ValueError):
    """A value that cannot be; ``key`` is which one's (empty = the name of the host itself)."""

    def __init__(self, key: str, sentence: str) -> None:
        super().__init__(sentence)
        self.key = key


def host(name: str, values: dict[str, str], home: Path) -> HostConfig:
    """Return the host that a section describes; ``~/`` stands for ``home``.

    Raises:
        HostError: a value that cannot be, and what would be right.
    """
    if not NAME.fullmatch(name) or name.lower() == LOCAL:
        raise HostError("", f"must be named by letters, digits and . _ - (at most 32), and not {LOCAL!r}.")
    given = values.get("ssh", "")
    found = LOGIN.fullmatch(given)
    if found is None or not 0 < int(found["port"] or 22) < 65_536:
        raise HostError("ssh", f'must be "user@host" or "user@host:port", not {given!r}.')
    return HostConfig(
        name=name,
        user=found["user"],
        host=found["six"] or found["host"],
        port=int(found["port"] or 22),
        socket=_socket(found["user"], values.get("socket", "")),
        identity=_file("identity", values.get("identity", ""), home),
        known_hosts=_file("known_hosts", values.get("known_hosts", ""), home),
    )


def _socket(user: str, given: str) -> str:
    path = given or (ROOT_SOCKET if user == "root" else "")
    if not path:
        example = "/run/user/1000/podman/podman.sock"
        raise HostError("socket", f"is needed for {user}, e.g. {example} (`id -u` there tells the number).")
    if not SOCKET.fullmatch(path):
        raise HostError("socket", f"must be an absolute path of letters, digits and . _ @ + - /, not {path!r}.")
    return path


def _file(key: str, text: str, home: Path) -> str:
    path = str(home / text[2:]) if text.startswith("~/") else text
    if path and not FILE.fullmatch(path):
        raise HostError(key, f"must be an absolute path, or one in ~/, without quotes, $ and %, not {text!r}.")
    return path
