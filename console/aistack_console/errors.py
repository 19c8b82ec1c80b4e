"""The console's errors.

``ConsoleError``
    ``ClientError`` (the backend said no) · ``BackendDown`` (it did not answer) · ``OtherVersion`` ·
    ``KeysError`` (bad key map)

Each is one sentence a person can act on; ``hint`` says what would be right.
"""

from __future__ import annotations

from aistack_backend.wire.problems import Problem


class ConsoleError(Exception):
    """Something to tell the operator in one sentence."""

    def __init__(self, detail: str, hint: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint

    @property
    def sentence(self) -> str:
        """The detail followed by the hint, if there is one."""
        return f"{self.detail} {self.hint}".strip()


class ClientError(ConsoleError):
    """The backend answered with a problem (RFC 9457); its fields are ``safe`` already."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail or problem.title, problem.hint)
        self.title = problem.title
        self.type = problem.type
        self.status = problem.status
        self.winner = problem.winner
        self.decision = problem.decision
        self.decided_at = problem.decided_at


class BackendDown(ConsoleError):
    """Nothing answers on the socket, or the answer broke off."""


class OtherVersion(ConsoleError):
    """The backend is of another major version: what would change something is not even sent."""


class KeysError(ConsoleError):
    """The key map of the config file cannot be used; the sentence names the action and the key."""
