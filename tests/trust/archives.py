"""Backups that must not be unpacked, each wrong in its own way (R4.10)."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace

from aistack_backend.containers.backup.manifest import Contents, Entry
from aistack_backend.containers.backup.tarstream import Member, header

FILES = {"store/aistack.db": b"rows" * 400, "stack/compose.yml": b"services: {}\n", "volumes/a.tar": b"x" * 3000}


def entry(name: str, data: bytes, mode: int = 0o600) -> Entry:
    return Entry(name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest(), mode=mode)


def contents(files: dict[str, bytes] | None = None) -> Contents:
    listed = tuple(entry(name, data) for name, data in (FILES if files is None else files).items())
    return Contents(id="b", at=1.0, version="1", files=listed)


class Tar:
    """A tar that is built member by member, whatever it may be."""

    def __init__(self, told: Contents | bytes | None = None, format_: int = tarfile.PAX_FORMAT) -> None:
        self.buffer = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.buffer, mode="w", format=format_)  # noqa: SIM115
        self.add("manifest.json", told if isinstance(told, bytes) else (told or contents()).encoded())

    def add(self, name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "", **more: object) -> Tar:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size, info.mode = kind, link, len(data), 0o600
        for key, value in more.items():
            setattr(info, key, value)
        self.tar.addfile(info, io.BytesIO(data))
        return self

    def good(self, *but: str) -> Tar:
        for name, data in FILES.items():
            if name not in but:
                self.add(name, data)
        return self

    def bytes(self) -> bytes:
        self.tar.close()
        return self.buffer.getvalue()


def good() -> bytes:
    return Tar().good().bytes()


def listing(name: str, data: bytes = b"evil") -> bytes:
    """An archive whose manifest lists a name as if it were right."""
    return Tar(contents({**FILES, name: data})).good().add(name, data).bytes()


def raw_manifest(**changes: object) -> bytes:
    """A manifest that fits its own digest, whatever it says."""
    body = json.loads(contents().encoded())
    body.pop("sha256")
    body |= changes
    text = lambda value: json.dumps(value, sort_keys=True, ensure_ascii=True, indent=1).encode() + b"\n"  # noqa: E731
    return text(body | {"sha256": hashlib.sha256(text(body)).hexdigest()})


def link(kind: bytes, target: str) -> bytes:
    """A link under a listed name, and a file that would be written through it."""
    return Tar().add("store/aistack.db", b"", kind, target).good("store/aistack.db").bytes()


def through(kind: bytes, target: str) -> bytes:
    """A link that stands where a folder of a listed file belongs."""
    return Tar().add("store", b"", kind, target).good().bytes()


def long_chain() -> bytes:
    """The shape of CVE-2025-4517: folders with names too long to be resolved, links that climb, then a way out."""
    tar, path = Tar(), ""
    for step in "abcdefghijklmnop":
        path += ("d" * 247) + "/"
        tar.add(path.rstrip("/"), b"", tarfile.DIRTYPE)
        tar.add(f"{path[:-248]}{step}", b"", tarfile.SYMTYPE, "d" * 247)
    tar.add("escape", b"", tarfile.SYMTYPE, path + "../" * 20 + "tmp")
    return tar.add("escape/evil", b"evil").good().bytes()


def hard_to_soft() -> bytes:
    """The shape of CVE-2026-11940: a hard link to a symbolic link, written through."""
    tar = Tar().add("store/a", b"", tarfile.SYMTYPE, "../../out")
    return tar.add("store/aistack.db", b"", tarfile.LNKTYPE, "store/a").good("store/aistack.db").bytes()


def bomb(size: int = 64 << 20) -> bytes:
    data = bytes(size)
    return gzip.compress(Tar(contents({"zeros": data})).add("zeros", data).bytes(), 9)


def lying_size() -> bytes:
    """The header says 1 TB, and the manifest agrees."""
    huge = replace(entry("huge", b""), size=1 << 50)
    head = header(Member(name="huge", kind="file", size=1 << 50))
    plain = Tar(replace(contents({}), files=(huge,))).bytes()
    return plain[: plain.rstrip(b"\0").__len__() + (-plain.rstrip(b"\0").__len__() % 512)] + head + b"x" * 1024


def long_header(flag: bytes) -> bytes:
    """An extended header of 16 MB: a reader that loads it whole would grow with it."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = flag, 16 << 20
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(16 << 20) + good()


def patched(offset: int, value: bytes) -> bytes:
    raw = bytearray(good())
    raw[offset : offset + len(value)] = value
    return bytes(raw)


def many() -> bytes:
    tar = Tar()
    for number in range(600):
        tar.add(f"store/f{number}", b"", tarfile.DIRTYPE)
    return tar.good().bytes()


BAD: dict[str, Callable[[], bytes]] = {
    "zip slip": lambda: listing("../evil"),
    "deep zip slip": lambda: listing("store/../../evil"),
    "slip within": lambda: listing("store/../evil"),
    "absolute": lambda: listing("/tmp/aistack-evil"),
    "double slash": lambda: listing("//tmp/evil"),
    "empty part": lambda: listing("store//evil"),
    "dot": lambda: listing("./evil"),
    "dot inside": lambda: listing("store/./evil"),
    "only dots": lambda: listing(".."),
    "newline in a name": lambda: listing("store/evil\nname"),
    "escape in a name": lambda: listing("store/\x1b]0;evil"),
    "name too long": lambda: listing("e" * 300),
    "path too long": lambda: listing("/".join(["e" * 100] * 20)),
    "path too deep": lambda: listing("/".join("e" * 100)),
    "symbolic link": lambda: link(tarfile.SYMTYPE, "/etc/passwd"),
    "symbolic link within": lambda: link(tarfile.SYMTYPE, "compose.yml"),
    "hard link": lambda: link(tarfile.LNKTYPE, "/etc/passwd"),
    "hard link within": lambda: link(tarfile.LNKTYPE, "stack/compose.yml"),
    "character device": lambda: link(tarfile.CHRTYPE, ""),
    "block device": lambda: link(tarfile.BLKTYPE, ""),
    "fifo": lambda: link(tarfile.FIFOTYPE, ""),
    "unknown type": lambda: link(b"Z", ""),
    "GNU sparse": lambda: link(tarfile.GNUTYPE_SPARSE, ""),
    "through a symbolic link": lambda: through(tarfile.SYMTYPE, "/tmp"),
    "through a link within": lambda: through(tarfile.SYMTYPE, "volumes"),
    "hard link to a symbolic link": hard_to_soft,
    "long chain of paths": long_chain,
    "file as folder": lambda: (
        Tar(contents({"store": b"a", "store/b": b"b"})).add("store", b"a").add("store/b", b"b").bytes()
    ),
    "name twice": lambda: Tar().good().add("stack/compose.yml", FILES["stack/compose.yml"]).bytes(),
    "manifest twice": lambda: Tar().good().add("manifest.json", contents().encoded()).bytes(),
    "folder twice": lambda: Tar().add("store", kind=tarfile.DIRTYPE).add("store", kind=tarfile.DIRTYPE).good().bytes(),
    "not listed": lambda: Tar().good().add("store/evil", b"evil").bytes(),
    "folder not listed": lambda: Tar().good().add("evil", kind=tarfile.DIRTYPE).bytes(),
    "missing": lambda: Tar().good("volumes/a.tar").bytes(),
    "bigger than listed": lambda: Tar().good("volumes/a.tar").add("volumes/a.tar", b"x" * 3001).bytes(),
    "smaller than listed": lambda: Tar().good("volumes/a.tar").add("volumes/a.tar", b"x").bytes(),
    "other bytes": lambda: Tar().good("volumes/a.tar").add("volumes/a.tar", b"y" * 3000).bytes(),
    "bomb": bomb,
    "a terabyte announced": lying_size,
    "huge GNU name": lambda: long_header(b"L"),
    "huge pax header": lambda: long_header(b"x"),
    "too many members": many,
    "cut short": lambda: good()[:-4000],
    "cut in a header": lambda: good()[:700],
    "header flipped": lambda: patched(10, b"\xff"),
    "size flipped": lambda: patched(124, b"77777777777"),
    "bytes after the end": lambda: good() + b"evil" * 200,
    "gzip cut short": lambda: gzip.compress(good())[:-30],
    "gzip flipped": lambda: gzip.compress(good())[:-8] + b"\0" * 8,
    "empty": lambda: b"",
    "not a tar": lambda: b"PK\x03\x04" + b"z" * 2000,
    "no manifest": lambda: b"".join(
        (header(Member(name="store/aistack.db", kind="file", size=0)), bytes(1024)),
    ),
    "manifest is no JSON": lambda: Tar(b"{").good().bytes(),
    "manifest is no object": lambda: Tar(b"[1]\n").good().bytes(),
    "manifest changed": lambda: Tar(contents().encoded().replace(b'"b"', b'"c"')).good().bytes(),
    "manifest of another format": lambda: Tar(raw_manifest(format=2)).good().bytes(),
    "manifest with more": lambda: Tar(raw_manifest(extra=1)).good().bytes(),
    "manifest with a mode": lambda: Tar(
        raw_manifest(files=[{"name": "a", "size": 0, "sha256": "", "mode": 0o4755}])
    ).bytes(),
    "manifest with a negative size": lambda: Tar(
        raw_manifest(files=[{"name": "a", "size": -1, "sha256": "", "mode": 0o600}])
    ).bytes(),
    "manifest names itself": lambda: Tar(
        raw_manifest(files=[{"name": "manifest.json", "size": 0, "sha256": "", "mode": 0o600}])
    ).bytes(),
    "nested too deep for JSON": lambda: Tar(b"[" * 200_000).bytes(),
}


def flips(seed_bytes: bytes, count: int) -> Iterator[bytes]:
    """The good archive with one bit flipped, ``count`` times, spread over all of it."""
    step = max(1, len(seed_bytes) * 8 // count)
    for bit in range(0, len(seed_bytes) * 8, step):
        raw = bytearray(seed_bytes)
        raw[bit // 8] ^= 1 << (bit % 8)
        yield bytes(raw)
