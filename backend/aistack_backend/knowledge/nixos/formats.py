"""The published forms, ``packages.json`` and ``options.json``, entry by entry: a wrong one costs that one alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from aistack_backend.errors import BadInput
from aistack_backend.wire.nixos import NixKind

LONGEST = {"name": 500, "text": 20_000, "detail": 4_000, "short": 500}
"""Characters of each that are kept."""
MOST = 500_000
"""Entries of one file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry as it is kept."""

    name: str
    title: str = ""
    text: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    """What is shown beside it; only what the file says."""


@dataclass(slots=True)
class Contents:
    """A file that was taken apart; ``items`` reads its entries one by one and counts those that cannot be read."""

    kind: NixKind
    version: str
    raw: dict[str, msgspec.Raw]
    skipped: int = 0
    first_fault: str = ""

    def items(self) -> Iterator[Item]:
        """Yield the entries, in the file's order."""
        make = _package if self.kind is NixKind.PACKAGE else _option
        for name, raw in self.raw.items():
            try:
                yield make(name, msgspec.json.decode(raw))
            except (ValueError, TypeError, RecursionError) as error:
                self.skipped += 1
                self.first_fault = self.first_fault or f"{name[:80]}: {error}"


class _Packages(msgspec.Struct):
    packages: dict[str, msgspec.Raw]
    version: Any = None


def contents(data: bytes, name: str, kind: NixKind = NixKind.UNKNOWN) -> Contents:
    """Take a file of JSON apart.

    Raises:
        BadInput: it is neither form, empty, or has too many entries.
    """
    try:
        outer = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(
            f"{name} is no packages.json or options.json: {str(error)[:200]}.", "Give one of them."
        ) from error
    found = (
        NixKind.PACKAGE
        if "packages" in outer and memoryview(outer["packages"])[:1].tobytes() == b"{"
        else NixKind.OPTION
    )
    if kind not in (found, NixKind.UNKNOWN):
        raise BadInput(f"{name} holds {found.value}s, not {kind.value}s.")
    made = Contents(found, "", outer)
    if found is NixKind.PACKAGE:
        try:
            inner = msgspec.json.decode(data, type=_Packages)
        except msgspec.MsgspecError as error:
            raise BadInput(f"{name} is no packages.json: {str(error)[:200]}.") from error
        made = Contents(found, "" if inner.version is None else str(inner.version)[:100], inner.packages)
    if not made.raw:
        raise BadInput(f"{name} holds no {found.value}.", "An empty index answers nothing.")
    if len(made.raw) > MOST:
        raise BadInput(f"{name} holds {len(made.raw)} {found.value}s; {MOST} at most are read.")
    return made


def _package(name: str, value: Any) -> Item:
    if not isinstance(value, dict):
        raise TypeError("it is no object.")
    meta = value.get("meta", {})
    if not isinstance(meta, dict):
        raise TypeError("its meta is no object.")
    long = _text(meta.get("longDescription"), "text")
    text = "\n\n".join(filter(None, (_text(meta.get("description"), "text"), long)))
    detail = {
        "version": _text(value.get("version"), "short"),
        "homepage": _first(meta.get("homepage")),
        "licence": _licences(meta.get("license")),
        "declared": [one] if (one := _text(meta.get("position"), "short")) else [],
    }
    flags = [word for word in ("broken", "insecure", "unfree") if meta.get(word) is True]
    if flags:
        detail["type"] = ", ".join(flags)
    title = _text(value.get("pname"), "short") or _text(value.get("name"), "short")
    return Item(name=_name(name), title=title, text=text[: LONGEST["text"]], detail=_said(detail))


def _option(name: str, value: Any) -> Item:
    if not isinstance(value, dict):
        raise TypeError("it is no object.")
    if not ({"description", "type", "declarations"} & value.keys()):
        raise ValueError("it has neither description, type nor declarations.")
    declared = value.get("declarations", [])
    if not isinstance(declared, list):
        raise TypeError("its declarations are no list.")
    detail = {
        "type": _text(value.get("type"), "short"),
        "default": _nix(value.get("default")) if "default" in value else "",
        "example": _nix(value.get("example")) if "example" in value else "",
        "declared": [one for one in map(_place, declared) if one][:20],
    }
    return Item(name=_name(name), text=_described(value.get("description")), detail=_said(detail))


def _name(name: str) -> str:
    if not name.strip() or len(name) > LONGEST["name"] or "\0" in name:
        raise ValueError("it has no name that can be kept.")
    return name


def _described(value: Any) -> str:
    """A description is a text, or an object that carries one as ``text``."""
    return _text(value.get("text") if isinstance(value, dict) else value, "text")


def _nix(value: Any) -> str:
    """A default or example: an expression in words of Nix, or plain JSON."""
    if isinstance(value, dict) and isinstance(value.get("text"), str):
        return _text(value["text"], "detail")
    return json.dumps(value, ensure_ascii=False)[: LONGEST["detail"]]


def _place(value: Any) -> str:
    if isinstance(value, dict):
        return _text(value.get("name") or value.get("url"), "short")
    return _text(value, "short")


def _first(value: Any) -> str:
    return _text(value[0] if isinstance(value, list) and value else value, "short")


def _licences(value: Any) -> str:
    every = value if isinstance(value, list) else [value]
    return ", ".join(filter(None, map(_licence, every)))[: LONGEST["short"]]


def _licence(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("spdxId") or value.get("fullName") or value.get("shortName")
    return _text(value, "short")


def _text(value: Any, what: str) -> str:
    """Return a text without what no database takes; empty where the file says nothing."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"a {type(value).__name__} stands where a text is expected.")
    return value.replace("\0", " ").encode(errors="replace").decode()[: LONGEST[what]].strip()


def _said(detail: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in detail.items() if value}
