"""Read and write tar streams, strictly: of what a tar can hold we know regular files and folders.

Our own reader, because restoring must not depend on a library's idea of harmless (``facts/trust.md`` §0.9): it reads
headers only, holds no more than 64 KiB of them, follows nothing and creates nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from aistack_backend.errors import BadInput

BLOCK = 512
CHUNK = 1 << 18
LONGEST_HEADER = 64 << 10
"""Bytes of one extended header; a name needs far less."""
FILE, FOLDER = "file", "folder"
KINDS = {b"0": FILE, b"\0": FILE, b"7": FILE, b"5": FOLDER}
OTHERS = {b"1": "hard link", b"2": "symbolic link", b"3": "device", b"4": "device", b"6": "fifo", b"S": "sparse file"}


class BadArchive(BadInput):
    """The archive is not one that may be unpacked; one sentence on why."""

    type, title = "bad-archive", "Bad archive"


class Source(Protocol):
    """Anything that gives bytes."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, none at the end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One header of the archive."""

    name: str
    kind: str
    """``file``, ``folder``, or what else it is: ``symbolic link`` …"""
    size: int = 0
    mode: int = 0o600
    uid: int = 0
    gid: int = 0
    mtime: int = 0


class Reader:
    """Walks a tar once: ``for member in reader``, and ``reader.blocks()`` for the bytes of the current one."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._left = 0
        self._pad = 0

    def __iter__(self) -> Iterator[Member]:
        """Give every member in order.

        Raises:
            BadArchive: damaged, cut short, or with an extended header that is too long or cannot be read.
        """
        more: dict[str, str] = {}
        while (block := self._take(BLOCK, "a header")) != bytes(BLOCK):
            member, flag = _header(block)
            if flag in (b"x", b"g", b"L", b"K"):
                more |= self._extended(flag, member.size)
                continue
            member = _extended_by(member, more)
            more = {}
            self._left = member.size if member.kind == FILE else 0
            self._pad = -self._left % BLOCK
            yield member
            for _ in self.blocks():
                pass
        self._see_end()

    def blocks(self) -> Iterator[bytes]:
        """Give the bytes of the current member; what is not read is skipped."""
        while self._left:
            data = self._take(min(CHUNK, self._left), "a file")
            self._left -= len(data)
            yield data
        if self._pad:
            pad, self._pad = self._pad, 0
            if self._take(pad, "padding").strip(b"\0"):
                raise BadArchive("The archive is damaged: bytes stand where padding belongs.")

    def _extended(self, flag: bytes, size: int) -> dict[str, str]:
        if size > LONGEST_HEADER:
            raise BadArchive(f"The archive has an extended header of {size} bytes; {LONGEST_HEADER} are allowed.")
        data = self._take(size, "an extended header")
        if self._take(-size % BLOCK, "padding").strip(b"\0"):
            raise BadArchive("The archive is damaged: bytes stand where padding belongs.")
        if flag == b"L":
            return {"path": _text(data.rstrip(b"\0"))}
        return {} if flag == b"K" else _pax(data)

    def _see_end(self) -> None:
        while data := self._source.read(CHUNK):
            if data.strip(b"\0"):
                raise BadArchive("The archive goes on after its end.")

    def _take(self, size: int, what: str) -> bytes:
        parts, wanted = [], size
        while wanted:
            data = self._source.read(wanted)
            if not data:
                raise BadArchive(f"The archive ends within {what}.")
            parts.append(data)
            wanted -= len(data)
        return b"".join(parts)


def header(member: Member) -> bytes:
    """Return the header blocks of a member, in the form that ``Reader`` and every tar program read."""
    name = member.name + "/" if member.kind == FOLDER and not member.name.endswith("/") else member.name
    raw = name.encode()
    before = b""
    if len(raw) > 100 or member.size >= 8**11 or max(member.uid, member.gid) >= 8**7:
        fields = {"path": name, "size": str(member.size), "uid": str(member.uid), "gid": str(member.gid)}
        data = b"".join(_pax_line(key, value) for key, value in fields.items())
        lead = Member(name="././@PaxHeader", kind=FILE, size=len(data))
        before = _packed(lead, b"././@PaxHeader", b"x") + data + bytes(-len(data) % BLOCK)
    return before + _packed(member, raw[:100], b"5" if member.kind == FOLDER else b"0")


def ending() -> bytes:
    """Return what ends a tar."""
    return bytes(2 * BLOCK)


def _packed(member: Member, name: bytes, flag: bytes) -> bytes:
    size = member.size if member.kind == FILE else 0
    fields = [
        name.ljust(100, b"\0"),
        _octal(member.mode & 0o7777, 8),
        _octal(member.uid if member.uid < 8**7 else 0, 8),
        _octal(member.gid if member.gid < 8**7 else 0, 8),
        _octal(size if size < 8**11 else 0, 12),
        _octal(max(0, member.mtime), 12),
        b" " * 8,
        flag,
        bytes(100),
        b"ustar\x0000",
    ]
    block = b"".join(fields).ljust(BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _octal(value: int, width: int) -> bytes:
    return b"%0*o\0" % (width - 1, value)


def _pax_line(key: str, value: str) -> bytes:
    body = f" {key}={value}\n".encode()
    length = len(body) + len(str(len(body)))
    length = len(body) + len(str(length))
    return str(length).encode() + body


def _header(block: bytes) -> tuple[Member, bytes]:
    told = _number(block[148:156])
    if told != sum(block[:148]) + 8 * 32 + sum(block[156:]):
        raise BadArchive("The archive is damaged: a header does not fit its checksum.")
    flag = block[156:157]
    prefix = block[345:500].rstrip(b"\0") if block[257:263] == b"ustar\0" else b""
    name = block[:100].partition(b"\0")[0]
    member = Member(
        name=_text(prefix + b"/" + name if prefix else name),
        kind=KINDS.get(flag, OTHERS.get(flag, f"member of type {flag!r}")),
        size=_number(block[124:136]),
        mode=_number(block[100:108]),
        uid=_number(block[108:116]),
        gid=_number(block[116:124]),
        mtime=_number(block[136:148]),
    )
    return member, flag


def _extended_by(member: Member, more: dict[str, str]) -> Member:
    try:
        numbers = {key: int(more[key]) for key in ("size", "uid", "gid") if key in more}
    except ValueError as error:
        raise BadArchive("The archive has an extended header that is no number where one belongs.") from error
    if any(value < 0 for value in numbers.values()) or any(key.startswith("GNU.sparse") for key in more):
        raise BadArchive("The archive has an extended header that no file of ours has.")
    return replace(
        member,
        name=more.get("path", member.name),
        size=numbers.get("size", member.size),
        uid=numbers.get("uid", member.uid),
        gid=numbers.get("gid", member.gid),
    )


def _pax(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    while data:
        length, space, _ = data.partition(b" ")
        if not space or not length.isdigit() or not len(length) < int(length) <= len(data):
            raise BadArchive("The archive has an extended header that cannot be read.")
        record, data = data[len(length) + 1 : int(length)], data[int(length) :]
        key, equals, value = record.partition(b"=")
        if not equals or not value.endswith(b"\n"):
            raise BadArchive("The archive has an extended header that cannot be read.")
        if key in (b"path", b"size", b"uid", b"gid") or key.startswith(b"GNU.sparse"):
            found[_text(key)] = _text(value[:-1])
    return found


def _number(field: bytes) -> int:
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    text = field.strip(b" \0")
    if text.strip(b"01234567"):
        raise BadArchive("The archive is damaged: a number in a header is none.")
    return int(text or b"0", 8)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise BadArchive("The archive has a name that is not UTF-8.") from error
