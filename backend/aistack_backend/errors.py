"""The backend's errors.

``BackendError``
    ``NotFound`` · ``BadInput`` · ``Conflict`` (``AlreadyDecided``) · ``Refused`` · ``Unavailable``

Each carries a title, one sentence of detail (what, where), a hint (what would be right) and a stable
``type`` word; the API maps the tree to problem+json and the command line to one sentence and an exit code.
"""

from __future__ import annotations


class BackendError(Exception):
    """Something a person can be told in one sentence."""

    type = "error"
    status = 500
    title = "The backend failed"

    def __init__(self, detail: str, hint: str = "", *, title: str = "", kind: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.title = title or self.title
        self.type = kind or self.type


class NotFound(BackendError):
    """The named object does not exist."""

    type, status, title = "not-found", 404, "Not found"


class BadInput(BackendError):
    """The request itself is wrong."""

    type, status, title = "bad-input", 422, "Bad input"


class Conflict(BackendError):
    """The object's state does not allow this."""

    type, status, title = "conflict", 409, "Conflict"


class AlreadyDecided(Conflict):
    """Somebody was first; carries who, what and when."""

    type, title = "approval-already-decided", "Already decided"

    def __init__(self, detail: str, *, winner: str, decision: str, decided_at: float | None) -> None:
        super().__init__(detail)
        self.winner = winner
        self.decision = decision
        self.decided_at = decided_at


class Refused(BackendError):
    """The gate or a policy rule says no."""

    type, status, title = "refused", 403, "Refused"


class Unavailable(BackendError):
    """A part that this needs (Podman, the model, the store) is not there now."""

    type, status, title = "unavailable", 503, "Unavailable"
