"""A backup as one file, and back: the extractor that R4.10 asks for.

Regular files and folders only, names that the manifest lists, sizes and digests as listed, limits on everything, into
a new folder that takes its name when all of it is there and right. Nothing outside that folder is ever written.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from aistack_backend.containers.backup import manifest, tarstream
from aistack_backend.containers.backup.manifest import Contents, Entry
from aistack_backend.containers.backup.names import safe
from aistack_backend.containers.backup.tarstream import BadArchive, Member, Reader

FREE = 1 << 20
"""Bytes that may come out whatever went in: small files compress without limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an archive may come to."""

    total: int = 256 << 30
    """Bytes of all files together."""
    ratio: int = 200
    """Bytes that come out for each byte that went in."""
    count: int = 200_000
    """Members."""


def pack(folder: Path, file: BinaryIO) -> None:
    """Write a backup's folder as one tar, its manifest first.

    Raises:
        BadArchive: the folder is no backup of ours, or a file is not as listed.
        OSError: a file cannot be read or written.
    """
    raw = (folder / manifest.NAME).read_bytes()
    contents = manifest.parse(raw)
    file.write(_headed(manifest.NAME, len(raw), manifest.PRIVATE) + raw + bytes(-len(raw) % tarstream.BLOCK))
    for entry in contents.files:
        file.write(_headed(entry.name, entry.size, entry.mode))
        size = 0
        with os.fdopen(os.open(folder / entry.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as source:
            while data := source.read(tarstream.CHUNK):
                size += len(data)
                file.write(data)
        if size != entry.size:
            raise BadArchive(f"{entry.name} has {size} bytes, its manifest says {entry.size}.")
        file.write(bytes(-size % tarstream.BLOCK))
    file.write(tarstream.ending())


def _headed(name: str, size: int, mode: int) -> bytes:
    return tarstream.header(Member(name=name, kind=tarstream.FILE, size=size, mode=mode))


def extract(archive: BinaryIO, into: Path, limits: Limits | None = None) -> Contents:
    """Unpack a backup (tar, or tar in gzip) as the new folder ``into``; returns its manifest.

    Raises:
        BadArchive: it is not one of ours, whole and right; nothing is left of it.
        OSError: the folder cannot be written.
    """
    draft = into.with_name(f".{into.name}.{os.getpid()}.new")
    draft.mkdir(mode=0o700)
    try:
        root = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            contents = _Extraction(archive, root, limits or Limits()).run()
            os.fsync(root)
        finally:
            os.close(root)
        if into.exists() or into.is_symlink():
            raise BadArchive(f"{into} exists already.", "Name another folder.")
        draft.rename(into)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadArchive(f"The archive is damaged: {error}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return contents


class _Extraction:
    def __init__(self, archive: BinaryIO, root: int, limits: Limits) -> None:
        self._raw = archive
        self._root = root
        self._limits = limits
        self._seen: dict[str, str] = {}
        self._out = 0
        self._members = 0

    def run(self) -> Contents:
        """Read the manifest, then exactly what it lists."""
        magic = self._raw.read(2)
        self._raw.seek(0)
        source = gzip.GzipFile(fileobj=self._raw) if magic == b"\x1f\x8b" else self._raw
        reader = Reader(source)
        contents: Contents | None = None
        listed: Mapping[str, Entry] = {}
        for member in reader:
            self._count(member)
            if contents is None:
                contents = self._first(member, reader)
                listed = {entry.name: entry for entry in contents.files}
            else:
                self._take(member, reader, listed)
        if contents is None:
            raise BadArchive("The archive is empty.")
        if missing := sorted(set(listed) - set(self._seen)):
            raise BadArchive(f"The archive lacks {missing[0][:200]!r}, which its manifest lists.")
        return contents

    def _count(self, member: Member) -> None:
        self._members += 1
        if self._members > self._limits.count:
            raise BadArchive(f"The archive has more than {self._limits.count} members.")
        if member.kind not in (tarstream.FILE, tarstream.FOLDER):
            raise BadArchive(f"The archive holds a {member.kind} ({member.name[:200]!r}); only files and folders may.")

    def _first(self, member: Member, reader: Reader) -> Contents:
        if member.name != manifest.NAME or member.kind != tarstream.FILE or member.size > manifest.LARGEST:
            raise BadArchive(f"The archive does not begin with {manifest.NAME}: it is no backup of ours.")
        raw = bytearray()
        for data in reader.blocks():
            self._grown(len(data))
            raw += data
        contents = manifest.parse(bytes(raw))
        if sum(entry.size for entry in contents.files) > self._limits.total:
            raise BadArchive(f"The backup would take more than {self._limits.total} bytes.")
        self._write(manifest.NAME, manifest.PRIVATE, [bytes(raw)])
        return contents

    def _take(self, member: Member, reader: Reader, listed: Mapping[str, Entry]) -> None:
        name = safe(member.name)
        if name in self._seen or name == manifest.NAME:
            raise BadArchive(f"The archive names {name[:200]!r} twice.")
        self._seen[name] = member.kind
        if member.kind == tarstream.FOLDER:
            if not any(file.startswith(f"{name}/") for file in listed):
                raise BadArchive(f"The archive has a folder {name[:200]!r} that its manifest does not list.")
            os.close(self._folder(name.split("/")))
            return
        entry = listed.get(name)
        if entry is None:
            raise BadArchive(f"The archive holds {name[:200]!r}, which its manifest does not list.")
        if member.size != entry.size:
            raise BadArchive(f"{name[:200]!r} has {member.size} bytes, its manifest says {entry.size}.")
        if self._copy(name, entry, reader) != entry.sha256:
            raise BadArchive(f"{name[:200]!r} is not what its manifest says: its digest differs.")

    def _copy(self, name: str, entry: Entry, reader: Reader) -> str:
        """Write a file and return the digest of what was written."""
        digest = hashlib.sha256()
        with os.fdopen(self._create(name, entry.mode), "wb") as file:
            for data in reader.blocks():
                self._grown(len(data))
                digest.update(data)
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return digest.hexdigest()

    def _write(self, name: str, mode: int, blocks: list[bytes]) -> None:
        with os.fdopen(self._create(name, mode), "wb") as file:
            file.writelines(blocks)

    def _create(self, name: str, mode: int) -> int:
        *folders, last = name.split("/")
        parent = self._folder(folders)
        try:
            return os.open(
                last, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=parent
            )
        except FileExistsError as error:
            raise BadArchive(f"The archive names {name[:200]!r} twice.") from error
        finally:
            os.close(parent)

    def _folder(self, parts: list[str]) -> int:
        """Open a folder below the new one, making what is missing; no link is followed."""
        here = os.dup(self._root)
        for part in parts:
            try:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o700, dir_fd=here)
                below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
            except NotADirectoryError as error:
                raise BadArchive(f"The archive uses the file {part!r} as a folder.") from error
            finally:
                os.close(here)
            here = below
        return here

    def _grown(self, size: int) -> None:
        self._out += size
        if self._out > self._limits.total:
            raise BadArchive(f"The archive unpacks to more than {self._limits.total} bytes.")
        if self._out > FREE and self._out > self._limits.ratio * max(1, self._raw.tell()):
            raise BadArchive(f"The archive unpacks to more than {self._limits.ratio} times its size.")
