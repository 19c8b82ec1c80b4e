"""A real SSH server on a high port of loopback, with keys of its own, that runs as whoever runs the tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bed.backend import House, wait_until

PROGRAM = shutil.which("sshd") or "/usr/sbin/sshd"


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in to a server of ours."""

    folder: Path
    port: int

    def command(self, *words: str) -> list[str]:
        """Return the ssh command that runs ``words`` there on a terminal of its own."""
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "IdentitiesOnly=yes")
        flags = [part for option in options for part in ("-o", option)]
        key = str(self.folder / "client")
        return ["ssh", "-F", "none", "-tt", "-p", str(self.port), "-i", key, *flags, "127.0.0.1", *words]


@contextmanager
def sshd(home: House) -> Iterator[Login]:
    """Give a running server whose logins find the house's backend; it ends with the block."""
    folder = home.folder / "ssh"
    folder.mkdir(mode=0o700)
    for name in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True, timeout=20)
    port = _free_port()
    (folder / "config").write_text(_config(folder, port, home))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd refuses to start as root without it
    log = (folder / "log").open("wb")
    server = subprocess.Popen([PROGRAM, "-D", "-e", "-f", folder / "config"], stdin=subprocess.DEVNULL, stderr=log)
    log.close()
    try:
        wait_until(lambda: _accepts(port), 15, lambda: (folder / "log").read_text(), server)
        yield Login(folder, port)
    finally:
        server.terminate()
        server.wait(10)


def _config(folder: Path, port: int, home: House) -> str:
    passed = " ".join(f'"{name}={value}"' for name, value in home.env.items() if name not in ("HOME", "USER"))
    return f"""ListenAddress 127.0.0.1:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/client.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
PrintLastLog no
SetEnv {passed}
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
