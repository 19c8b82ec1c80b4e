"""Another machine on this one: a second Podman with a store of its own, behind a real SSH server on loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bed.backend import House, wait_until
from tests.bed.boxes import MANAGED, PROBE
from tests.bed.sshd import Login, sshd

USER = pwd.getpwuid(os.getuid()).pw_name
"""Whom the server lets in: whoever runs the tests."""
SPEAKER = ("sh", "-c", "trap 'exit 0' TERM; echo hello from afar; while :; do sleep 3600 & wait $!; done")


class SecondPodman:
    """A Podman whose images and containers no other sees, and its API service."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "s.sock"
        folder.mkdir(mode=0o700)
        places = [f"--{name}={folder / name}" for name in ("root", "runroot", "tmpdir")]
        self._command = ["podman", *places]
        self._service: subprocess.Popen[bytes] | None = None

    def podman(self, *words: str, check: bool = True) -> str:
        """Run its command line; return what it printed."""
        done = subprocess.run([*self._command, *words], capture_output=True, text=True, check=False, timeout=60)
        assert not check or done.returncode == 0, f"podman {' '.join(words)}: {done.stderr}"
        return done.stdout.strip()

    def serve(self) -> None:
        """Start its API service."""
        words = [*self._command, "system", "service", "--time=0", f"unix://{self.socket}"]
        self._service = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.socket.exists, 20, "the second Podman's service did not come up", self._service)

    def load(self) -> None:
        """Give it the small image."""
        tar = str(self.folder / "image.tar")
        subprocess.run(["podman", "save", "-q", "-o", tar, PROBE], check=True, timeout=60, capture_output=True)
        self.podman("load", "-q", "-i", tar)

    def run(self, name: str, *command: str) -> str:
        """Start a container; return its id."""
        flags = ("-d", "--pull=never", "--net=none", "--stop-timeout=1", "--label", MANAGED, f"--name={name}")
        return self.podman("run", *flags, PROBE, *(command or SPEAKER))

    def started_at(self, name: str) -> str:
        """When the container was last started."""
        return self.podman("container", "inspect", "--format={{.State.StartedAt}}", name)

    def end_service(self) -> None:
        """Kill the service and take its socket away; the containers go on."""
        if self._service is not None:
            self._service.kill()
            self._service.wait(10)
            self._service = None
        self.socket.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove everything that it has."""
        self.podman("rm", "-a", "-f", "-t", "0", check=False)
        self.end_service()
        for mount in sorted(_mounts_below(self.folder), reverse=True):
            subprocess.run(["umount", mount], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class FarMachine:
    """The login and the Podman behind it."""

    login: Login
    podman: SecondPodman
    known_hosts: Path

    @property
    def key(self) -> Path:
        """The private key that it takes."""
        return self.login.folder / "client"

    def section(self, name: str, **changes: str) -> str:
        """Return the section of the configuration that leads there; ``changes`` replace keys of it."""
        values = {
            "ssh": f"{USER}@127.0.0.1:{self.login.port}",
            "socket": str(self.podman.socket),
            "identity": str(self.key),
            "known_hosts": str(self.known_hosts),
            **changes,
        }
        return f"[hosts.{name}]\n" + "".join(f'{key} = "{value}"\n' for key, value in values.items())


@contextmanager
def far_machine(home: House) -> Iterator[FarMachine]:
    """Give the machine, with one container ``web``; all of it goes with the block."""
    with ExitStack() as downs:
        podman = SecondPodman(home.folder / "far")
        downs.callback(podman.remove)
        podman.load()
        podman.serve()
        podman.run("web")
        login = downs.enter_context(sshd(home))
        known = home.folder / "known_hosts"
        known.write_text(f"[127.0.0.1]:{login.port} {(login.folder / 'host.pub').read_text()}")
        yield FarMachine(login, podman, known)


def _mounts_below(folder: Path) -> list[str]:
    with suppress(OSError):
        lines = Path("/proc/self/mounts").read_text().splitlines()
        return [place for line in lines if (place := line.split()[1]).startswith(f"{folder}/")]
    return []
