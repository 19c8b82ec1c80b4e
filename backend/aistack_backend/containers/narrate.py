"""Podman's events as lines of the activity feed."""

from __future__ import annotations

from aistack_backend.containers.models import Event
from aistack_backend.wire.containers import Activity

QUIET = frozenset({"cleanup", "init", "exec_died", "mount", "unmount"})
"""Podman's own housekeeping: steps inside of start, exit and exec."""
SAID = {
    "create": "was created",
    "start": "started",
    "stop": "was stopped",
    "restart": "was restarted",
    "kill": "was sent a signal",
    "pause": "was paused",
    "unpause": "was unpaused",
    "remove": "was removed",
    "rename": "was renamed",
    "exec": "runs an extra command",
}


class Narrator:
    """Turns events into activities; leaves out housekeeping and health results that changed nothing."""

    def __init__(self) -> None:
        self._health: dict[str, str] = {}

    def tell(self, event: Event) -> Activity | None:
        """Return the activity of an event, or None when there is nothing to tell."""
        if event.action in QUIET:
            return None
        if event.action == "health_status":
            if self._health.get(event.id) == event.health:
                return None
            self._health[event.id] = event.health
        if event.action == "remove":
            self._health.pop(event.id, None)
        return Activity(
            at=event.at,
            who="podman",
            text=_text(event),
            object_id=event.id,
            object_name=event.name,
            action=event.action,
        )


def _text(event: Event) -> str:
    name = event.name or event.id[:12]
    if event.type != "container":
        return f"{event.type} {name}: {event.action}"
    if event.action == "died":
        code = "" if event.exit_code is None else f", exit code {event.exit_code}"
        return f"{name} ended{code}"
    if event.action == "health_status":
        return f"{name} is {event.health or 'of unknown health'}"
    return f"{name} {SAID.get(event.action, event.action)}"
