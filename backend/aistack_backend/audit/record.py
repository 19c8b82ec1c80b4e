"""One link of the chain: its fields, their canonical bytes, its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from aistack_backend.store.tables import event
from aistack_backend.wire.audit import AuditRecord, Phase

FIELDS: tuple[str, ...] = tuple(column.name for column in event.columns)
"""Every column of ``event`` in its order; the last one is the hash itself, the one before it the link."""
ZERO = "0" * 64
"""What the first record links to."""
DOMAIN = b"aistack-audit-v1\0"
"""Separates this hash from every other sha256 of the same bytes."""
GENESIS = "audit.genesis"
"""Kind of the first record; its detail carries the host id and a random salt."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def digest(row: Sequence[Any]) -> str:
    """Return the hash of a row (all fields in order; the last one, the stored hash, is not read).

    Raises:
        ValueError: a field has a value that no honest record has (NaN, a lone surrogate).
    """
    return hashlib.sha256(DOMAIN + _encode(list(row[:-1])).encode()).hexdigest()


def canonical(detail: Mapping[str, Any]) -> str:
    """Return the detail as the text that is stored and hashed (sorted keys)."""
    if not detail:
        return ""
    return json.dumps(detail, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)


def to_wire(row: Sequence[Any]) -> AuditRecord:
    """Return a row as the operator reads it."""
    fields = dict(zip(FIELDS, row, strict=True))
    fields.pop("mono")
    fields.pop("boot_id")
    fields["phase"] = Phase(fields["phase"])
    return AuditRecord(**fields)
