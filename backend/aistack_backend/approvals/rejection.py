"""A refusal on its way out of the room: the error for the asker, and what is to be recorded."""

from __future__ import annotations

from aistack_backend.errors import BackendError
from aistack_backend.wire.actions import ApprovalState


class Rejection(Exception):
    """Carries the error to raise once the record of the refusal is committed."""

    def __init__(self, error: BackendError, *, closes: ApprovalState | None = None) -> None:
        super().__init__(error.detail)
        self.error = error
        self.closes = closes
        """The final state that the approval takes; None: it stays as it is."""
