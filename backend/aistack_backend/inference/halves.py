"""What came of a file so far, beside the place of the whole one, and what tells whether it is still the same file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_SHA256 = re.compile(r'"?([0-9a-f]{64})"?')


class Half:
    """Belongs to one fetch; what it knows of the file is written down before the first byte."""

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f"{target.name}.part.json")
        self.etag = ""
        """A strong ETag of the server that gave the bytes; empty = it gave none."""
        self.total: int | None = None
        self.linked = ""
        """The sha256 that a hub says the file has (``X-Linked-ETag``)."""
        self.linked_size: int | None = None
        self.head = b""
        self.told = True
        self._recall()

    @property
    def size(self) -> int:
        """Bytes that are here."""
        return self._size

    def _recall(self) -> None:
        self._size = self.path.stat().st_size if self.path.is_file() else 0
        try:
            said: Any = json.loads(self._note.read_text())
            self.etag, total = str(said["etag"]), said["total"]
            self.total, self.linked = int(total) if total is not None else None, str(said["linked"])
        except (OSError, ValueError, KeyError, TypeError):
            self.told = False
        if self.total is not None and self._size > self.total:
            self.told = False

    def settle(self) -> None:
        """Throw away what nobody can tell of; before a fetch, never while one runs."""
        if not self.told:
            self.begin_anew()

    def link(self, headers: Mapping[str, str]) -> None:
        """Take in what a hub says of the file before it sends elsewhere."""
        if found := _SHA256.fullmatch(headers.get("x-linked-etag", "")):
            self.linked = found[1]
        if (size := headers.get("x-linked-size", "")).isdecimal():
            self.linked_size = int(size)

    def begin_anew(self) -> None:
        """Throw away what came so far."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
        self._size, self.etag, self.total, self.head = 0, "", None, b""

    def begin(self, headers: Mapping[str, str]) -> None:
        """A server sends the file from its beginning."""
        self.begin_anew()
        tag, length = headers.get("etag", ""), headers.get("content-length", "")
        self.etag = tag if tag.startswith('"') and len(tag) < 500 else ""
        self.total = int(length) if length.isdecimal() else None
        self._note.write_text(json.dumps({"etag": self.etag, "total": self.total, "linked": self.linked}))

    def goes_on(self, headers: Mapping[str, str]) -> bool:
        """Whether a partial answer begins where ours ends, and is of the same file."""
        found = _RANGE.fullmatch(headers.get("content-range", ""))
        if found is None or int(found[1]) != self._size:
            return False
        if self.etag and headers.get("etag", self.etag) != self.etag:
            return False
        if found[2] != "*":
            if self.total is not None and int(found[2]) != self.total:
                return False
            self.total = int(found[2])
        return True

    def open(self) -> BinaryIO:
        """Open the file to go on with it."""
        return self.path.open("ab")

    def add(self, out: BinaryIO, block: bytes) -> None:
        """Write one block to its end."""
        self.head = (self.head + block)[:4] if self._size < 4 else self.head
        out.write(block)
        self._size += len(block)

    def forget(self) -> None:
        """The whole is in its place, or worth nothing."""
        self.begin_anew()
