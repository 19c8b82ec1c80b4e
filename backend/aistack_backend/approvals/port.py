"""What the gate needs from the rooms above it, declared here so that they can be handed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection


class Enqueue(Protocol):
    """Starts the execution of an approved action; the engine implements it with DBOS."""

    def enqueue(self, connection: Connection, task_id: int, approval_id: int, revision: int) -> None:
        """Enqueue in the caller's transaction: a rollback leaves no ghost."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who decides, as the kernel told it when the socket was accepted (R1.13)."""

    uid: int
    gid: int
    pid: int
    user: str
    via: str = ""
    """``tui``, ``cli`` or ``api``: claimed by the client."""
    session: str = ""
    """Claimed context such as SSH_CONNECTION and tty, read from the peer's environment."""

    name: str = ""
    """The operator's name, proven by a key; empty = known by the account alone."""

    @property
    def actor(self) -> str:
        """The name written to the audit: the account, behind the proven name where there is one."""
        return f"operator:{self.name}/{self.user}" if self.name else f"operator:{self.user}"
