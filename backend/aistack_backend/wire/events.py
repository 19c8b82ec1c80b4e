"""The event stream ``GET /v1/events`` (server-sent events)."""

from __future__ import annotations

from aistack_backend.wire.base import Word


class Topic(Word):
    """What an event's data is. All but ACTIVITY carry a whole snapshot: the newest replaces the older.

    The server-sent event is ``id: EPOCH:SEQ``, ``event: TOPIC``, ``data: JSON``. On connecting, the newest
    snapshot of every topic comes first. ``reset`` means: what you hold is void, snapshots follow.
    """

    RESET = "reset"
    STATUS = "status"
    """:class:`~aistack_backend.wire.status.Status`"""
    FLEET = "fleet"
    """:class:`~aistack_backend.wire.containers.Fleet`"""
    USAGE = "usage"
    """:class:`~aistack_backend.wire.containers.UsageTable`"""
    APPROVALS = "approvals"
    """:class:`~aistack_backend.wire.actions.ApprovalList`: every pending one,
    nearest deadline first, then the newest 50 decided."""
    TASKS = "tasks"
    """:class:`~aistack_backend.wire.tasks.TaskList`"""
    AUDIT = "audit"
    """:class:`~aistack_backend.wire.audit.AuditPage`: the newest 20 records."""
    HOST = "host"
    """:class:`~aistack_backend.wire.host.HostSample`"""
    MODEL = "model"
    """:class:`~aistack_backend.wire.models.ModelStatus`"""
    SHELF = "shelf"
    """:class:`~aistack_backend.wire.shelf.ModelShelf`: every model on disk or offered."""
    STACK = "stack"
    """:class:`~aistack_backend.wire.stack.Stack`: every declared service and its ladder."""
    BOOT = "boot"
    """:class:`~aistack_backend.wire.boot.Boot`: the newest up or down, live, and after its end."""
    CHECKLIST = "checklist"
    """:class:`~aistack_backend.wire.checklist.Checklist`"""
    ALERTS = "alerts"
    """:class:`~aistack_backend.wire.alerts.AlertList`: the inbox, every rule, every target."""
    ACTIVITY = "activity"
    """:class:`~aistack_backend.wire.containers.Activity`: one, not replaced by the next."""
    LEARNING = "learning"
    """:class:`~aistack_backend.wire.learning.LearningStatus`: texts of patterns are cut at 400 characters."""
    UNKNOWN = "unknown"
