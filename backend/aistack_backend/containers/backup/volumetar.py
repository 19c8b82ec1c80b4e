"""The contents of a volume as a tar of files and folders with their owners, and nothing else (R4.10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from aistack_backend.containers.backup import tarstream
from aistack_backend.containers.backup.names import safe
from aistack_backend.containers.backup.tarstream import BadArchive, Member, Reader

ROOT = "."
"""The folder of the volume itself: its owner and mode matter to the program that uses it."""


@dataclass(kw_only=True)
class Tally:
    """What went through."""

    files: int = 0
    bytes: int = 0
    skipped: list[str] = field(default_factory=list)
    """What was left out, each with its kind."""

    @property
    def counts(self) -> dict[str, int]:
        """What a restore must find again."""
        return {"files": self.files, "bytes": self.bytes}

    @property
    def note(self) -> str:
        """One sentence on what is not in the copy; empty when all is."""
        if not self.skipped:
            return ""
        return f"{len(self.skipped)} entries that are neither file nor folder are not in it: {self.skipped[0]}."


class Blocks:
    """A source of bytes out of blocks as they come."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, none at the end."""
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return b""
            self._rest = block
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


def passed(source: tarstream.Source, tally: Tally, *, strict: bool) -> Iterator[bytes]:
    """Give the tar anew, with files and folders only, names normalised, no special bits in modes.

    ``strict``: anything else is refused instead of counted as skipped.

    Raises:
        BadArchive: damaged, a name that may not be, a name twice; or, when strict, a link or a device.
    """
    seen: set[str] = set()
    reader = Reader(source)
    for member in reader:
        name = _name(member.name)
        if member.kind not in (tarstream.FILE, tarstream.FOLDER):
            if strict:
                raise BadArchive(f"The copy of the volume holds a {member.kind} ({name[:200]!r}).")
            tally.skipped.append(f"{name[:200]} ({member.kind})")
            continue
        if name in seen:
            raise BadArchive(f"The copy of the volume names {name[:200]!r} twice.")
        seen.add(name)
        yield tarstream.header(replace(member, name=name, mode=member.mode & 0o777))
        if member.kind == tarstream.FILE:
            tally.files += 1
            tally.bytes += member.size
            yield from reader.blocks()
            yield bytes(-member.size % tarstream.BLOCK)
    yield tarstream.ending()


def one_file(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Give the bytes of the only file in a tar, as ``Provisioner.read_files`` of a file's path is.

    Raises:
        BadArchive: there is none.
    """
    reader = Reader(Blocks(blocks))
    for member in reader:
        if member.kind == tarstream.FILE:
            yield from reader.blocks()
            return
    raise BadArchive("The file was not in what Podman gave.")


def as_file(name: str, size: int, blocks: Iterable[bytes], mode: int = 0o600) -> Iterator[bytes]:
    """Give a tar of one file, for ``Provisioner.write_files``; ``blocks`` must come to ``size`` bytes."""
    yield tarstream.header(Member(name=name, kind=tarstream.FILE, size=size, mode=mode))
    yield from blocks
    yield bytes(-size % tarstream.BLOCK)
    yield tarstream.ending()


def _name(name: str) -> str:
    bare = name.removeprefix("./").removesuffix("/")
    return ROOT if bare in ("", ".") else safe(bare)
