"""Volumes' bytes in and out, with their owners: Podman's own archive calls forget who owns a file (measured, 4.3.1).

A throw-away container of busybox mounts the volume; its ``tar`` keeps owners and modes. What it packed passes
``volumetar.passed`` on its way out and in: files and folders only.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from aistack_backend.containers.backup import volumetar
from aistack_backend.containers.backup.volumetar import Blocks, Tally
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Provisioner, ServiceSpec
from aistack_backend.containers.stack.models import MountDecl, SecretUse
from aistack_backend.errors import Unavailable

LABELS = {"io.aistack.managed": "true", "io.aistack.throwaway": "backup"}
LONGEST = 3600.0
"""Seconds that packing or unpacking one volume may take."""
PACK = "busybox tar -cf /carrier.tar -C /carried . 2>/carrier.err || { cat /carrier.err >&2; exit 1; }"
UNPACK = """
set -e
cd /carried
rm -rf .aistack-new
mkdir .aistack-new
busybox tar -xpf /carrier.tar -C .aistack-new
for one in * .*; do
    case $one in .|..|.aistack-new|'*'|'.*') continue ;; esac
    rm -rf "$one"
done
busybox chown "$(busybox stat -c %u:%g .aistack-new)" .
busybox chmod "$(busybox stat -c %a .aistack-new)" .
cd .aistack-new
for one in * .*; do
    case $one in .|..) continue ;; esac
    [ -e "$one" ] || continue
    mv "$one" ..
done
cd ..
rmdir .aistack-new
"""
"""All is unpacked beside what is there before anything of that goes."""


class Carrier:
    """Reads and writes volumes and reads secrets, each in a container of its own that is gone afterwards."""

    def __init__(self, podman: Podman, provisioner: Provisioner, image: Callable[[], str]) -> None:
        """``image`` gives the id of an image with busybox and ``sh``."""
        self._podman = podman
        self._provisioner = provisioner
        self._image = image

    def pack(self, volume: str, file: Path) -> Tally:
        """Copy a volume's files and folders into a tar.

        Raises:
            Unavailable: it could not be read whole.
        """
        tally = Tally()
        with self._box((_mount(volume, read_only=True),)) as box:
            self._do(box, PACK, f"pack the volume {volume}")
            packed = volumetar.one_file(self._provisioner.read_files(box, "/carrier.tar"))
            with file.open("xb") as out:
                file.chmod(0o600)
                out.writelines(volumetar.passed(Blocks(packed), tally, strict=False))
        return tally

    def unpack(self, file: Path, volume: str) -> Tally:
        """Make a volume hold exactly what a tar of ``pack`` holds; what was in it before is gone.

        Raises:
            BadArchive: the tar is not one that may be unpacked; the volume is as it was.
            Unavailable: it could not be written whole.
        """
        checked = Tally()
        with file.open("rb") as source:
            size = sum(len(block) for block in volumetar.passed(source, checked, strict=True))
        with self._box((_mount(volume),)) as box, file.open("rb") as source:
            passed = volumetar.passed(source, Tally(), strict=True)
            self._provisioner.write_files(box, "/", volumetar.as_file("carrier.tar", size, passed))
            self._do(box, UNPACK, f"unpack into the volume {volume}")
        return checked

    def count(self, volume: str) -> dict[str, int]:
        """Return how many files a volume holds and their bytes."""
        script = "find /carried -type f | wc -l; find /carried -type f -exec busybox stat -c %s {} +"
        with self._box((_mount(volume, read_only=True),)) as box:
            files, *sizes = self._do(box, script, f"count the volume {volume}").split()
        return {"files": int(files), "bytes": sum(int(size) for size in sizes)}

    def secrets(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return the values of Podman's secrets, which it gives to containers only."""
        uses = tuple(SecretUse(source=name, target=f"/run/secrets/{name}", mode=0o400) for name in names)
        if not uses:
            return {}
        with self._box((), uses) as box:
            return {name: self._exec(box, ("cat", f"/run/secrets/{name}"), f"read the secret {name}") for name in names}

    @contextmanager
    def _box(self, mounts: tuple[MountDecl, ...], secrets: tuple[SecretUse, ...] = ()) -> Iterator[str]:
        spec = ServiceSpec(
            name=f"aistack-carrier-{uuid.uuid4().hex[:10]}",
            image=self._image(),
            labels=LABELS,
            command=("sleep", "86400"),
            user="0:0",
            mounts=mounts,
            secrets=secrets,
            no_new_privileges=True,
            stop_timeout=0,
        )
        box = self._provisioner.create_service(spec)
        try:
            self._podman.start(box)
            yield box
        finally:
            self._podman.remove(box, force=True)

    def _do(self, box: str, script: str, what: str) -> str:
        return self._exec(box, ("sh", "-c", script), what).decode(errors="replace")

    def _exec(self, box: str, command: Sequence[str], what: str) -> bytes:
        done = self._podman.exec(box, command, LONGEST)
        if done.exit_code:
            said = (done.err or done.out).decode(errors="replace").strip()[-300:]
            raise Unavailable(f"To {what} failed with code {done.exit_code}: {said or 'it said nothing'}.")
        return done.out


def written(blocks: Iterable[bytes], file: Path) -> int:
    """Write blocks to a new private file; returns the bytes."""
    with file.open("xb") as out:
        file.chmod(0o600)
        return sum(out.write(block) for block in blocks)


def total(counts: Mapping[str, int]) -> str:
    """Return counts for a person: ``a 3, b 5``."""
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _mount(volume: str, *, read_only: bool = False) -> MountDecl:
    return MountDecl(type="volume", source=volume, target="/carried", read_only=read_only)
