"""The action record: one side effect, complete, canonical, hashed (``facts/trust.md`` §1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from aistack_backend.errors import BadInput
from aistack_backend.wire.actions import Target

DOMAIN = b"aistack-action-v1\0"
"""Separates this hash from every other sha256 of the same bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Exactly what will run. Two actions are the same when their canonical bytes are the same."""

    kind: str
    """``container.restart``, ``volume.remove``, ``shell.run`` …"""
    argv: tuple[str, ...] = ()
    script: str = ""
    cwd: str = ""
    env: tuple[tuple[str, str], ...] = ()
    """Names with the sha256 of their values, never the values."""
    image: str = ""
    """Image id (digest), never a tag."""
    mounts: tuple[str, ...] = ()
    network: str = ""
    user: str = ""
    limits: tuple[tuple[str, str], ...] = ()
    targets: tuple[Target, ...] = ()
    requester: str = ""
    task_id: int = 0
    step: str = "1"
    policy: str = "1"
    """Version of the policy that judged it."""

    def canonical(self) -> bytes:
        """Return the canonical JSON (sorted keys, UTF-8, no floats). A target of this machine has no ``host`` in it,
        as in the records of before there were other machines.

        Raises:
            BadInput: a text in it cannot be written as UTF-8.
        """
        fields = asdict(self)
        for target in fields["targets"]:
            if target["host"] == "":
                del target["host"]
        text = json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        try:
            return text.encode()
        except UnicodeEncodeError as error:
            raise BadInput("The action holds text that is not valid Unicode (a lone surrogate).") from error

    def hash(self) -> str:
        """Return the hex digest that approvals are bound to."""
        return hash_bytes(self.canonical())


def hash_bytes(canonical: bytes) -> str:
    """Return the action hash of canonical bytes."""
    return hashlib.sha256(DOMAIN + canonical).hexdigest()


def parse(canonical: bytes) -> Action:
    """Read canonical bytes back.

    Raises:
        BadInput: not the canonical form of an action record.
    """
    try:
        fields = json.loads(canonical)
        fields["targets"] = tuple(Target(**target) for target in fields["targets"])
        for name in ("argv", "mounts"):
            fields[name] = tuple(fields[name])
        for name in ("env", "limits"):
            fields[name] = tuple((key, value) for key, value in fields[name])
        action = Action(**fields)
    except (ValueError, TypeError, KeyError) as error:
        raise BadInput(f"The stored action record cannot be read: {error}.") from error
    if action.canonical() != canonical or type(action.task_id) is not int or not all(_texts(asdict(action))):
        raise BadInput("The stored action record is not in its canonical form.")
    return action


def _texts(value: object) -> Iterator[bool]:
    """Tell of every leaf but the task's number whether it is text."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name != "task_id":
                yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    else:
        yield isinstance(value, str)
