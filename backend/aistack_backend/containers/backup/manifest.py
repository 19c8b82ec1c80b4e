"""The list of what a backup holds: every file with size, digest and mode, and what it was taken of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from aistack_backend.containers.backup.names import safe
from aistack_backend.containers.backup.tarstream import BadArchive

NAME = "manifest.json"
FORMAT = 1
LARGEST = 64 << 20
"""Bytes of a manifest; 200,000 files need about 40 MB."""
PRIVATE, RUNNABLE = 0o600, 0o700


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file."""

    name: str
    size: int
    sha256: str
    mode: int = PRIVATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One thing that was backed up."""

    kind: str
    """``store``, ``stack``, ``secrets``, ``postgres``, ``qdrant``, ``files``."""
    service: str = ""
    volume: str = ""
    """The volume's full name, for ``files``."""
    file: str = ""
    """Its file in the backup."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """What was counted when it was taken (rows of each table, points, files): a restore must find them again."""
    note: str = ""
    """What is not in it, for a person to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The whole list."""

    id: str
    at: float
    version: str
    project: str = ""
    pieces: tuple[Piece, ...] = ()
    files: tuple[Entry, ...] = ()

    def encoded(self) -> bytes:
        """Return the bytes of ``manifest.json``: the list, and a digest over it."""
        body = {"format": FORMAT, **asdict(self)}
        return _text(body | {"sha256": _digest(body)})

    def of(self, kind: str) -> tuple[Piece, ...]:
        """Return the pieces of a kind."""
        return tuple(piece for piece in self.pieces if piece.kind == kind)


def parse(raw: bytes) -> Contents:
    """Read a manifest back.

    Raises:
        BadArchive: it is damaged, of another format, or names a path that may not be.
    """
    try:
        body = json.loads(raw)
        digest = body.pop("sha256")
        if body["format"] != FORMAT:
            raise BadArchive(f"The backup has format {body['format']}; this version knows {FORMAT}.")
        if digest != _digest(body) or raw != _text(body | {"sha256": digest}):
            raise BadArchive("The backup's manifest is damaged: it does not fit its own digest.")
        body.pop("format")
        pieces = tuple(Piece(**piece) for piece in body.pop("pieces"))
        files = tuple(Entry(**entry) for entry in body.pop("files"))
        contents = Contents(**body, pieces=pieces, files=files)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadArchive(f"The backup's manifest cannot be read ({type(error).__name__}).") from error
    _check(contents)
    return contents


def _check(contents: Contents) -> None:
    names = [safe(entry.name) for entry in contents.files]
    if len(set(names)) != len(names) or NAME in names:
        raise BadArchive("The backup's manifest names a file twice.")
    sizes = all(type(entry.size) is int and entry.size >= 0 for entry in contents.files)
    if not sizes or any(entry.mode not in (PRIVATE, RUNNABLE) for entry in contents.files):
        raise BadArchive("The backup's manifest has a size or a mode that no file of ours has.")
    if missing := [piece.file for piece in contents.pieces if piece.file and piece.file not in names]:
        raise BadArchive(f"The backup's manifest speaks of {missing[0][:200]!r} and does not list it.")


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(_text(body)).hexdigest()


def _text(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, ensure_ascii=True, indent=1).encode() + b"\n"
