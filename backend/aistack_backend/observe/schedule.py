"""Scheduled backups: asked for by nobody but the clock, allowed by one rule that names it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from aistack_backend.approvals.policy import Effect, Policy, Rule
from aistack_backend.clock import Clock
from aistack_backend.containers.backup.part import BACKUP, SCHEDULE
from aistack_backend.containers.backup.shelf import Shelf
from aistack_backend.containers.stack.models import Manifest
from aistack_backend.errors import BackendError
from aistack_backend.observe.heal.service import Submit
from aistack_backend.wire.actions import ActionRequest

log = logging.getLogger(__name__)
EVERY = 30.0
"""Seconds between two looks."""
AGAIN = 3600.0
"""Seconds until a backup that did not come about is asked for again."""


class BackupSchedule:
    """Asks for a backup when the newest one is older than the wish."""

    def __init__(
        self,
        submit: Submit,
        manifest: Callable[[], Manifest | None],
        policy: Policy,
        shelf: Shelf,
        clock: Clock,
        hours: float,
    ) -> None:
        """``hours``: how old the newest backup may be; 0 = nothing is ever asked."""
        self._submit = submit
        self._manifest = manifest
        self._policy = policy
        self._shelf = shelf
        self._clock = clock
        self._every = hours * 3600
        self._asked: float | None = None
        self._began = clock.now()

    def next_at(self) -> float | None:
        """Return when the next one is due, None without a schedule."""
        if not self._every:
            return None
        newest = self._shelf.list().backups
        return (newest[0].at + self._every) if newest else self._began + min(self._every, AGAIN / 60)

    def tick(self) -> bool:
        """Ask when it is time; True when it was asked now. Blocks on disk and SQL."""
        due, manifest, now = self.next_at(), self._manifest(), self._clock.now()
        if due is None or manifest is None or now < due:
            return False
        if self._asked is not None and 0 <= now - self._asked < AGAIN:
            return False
        why = f"stack.backup_every = {self._every / 3600:g} h"
        rule = Rule(effect=Effect.ALLOW, kind=BACKUP, target=manifest.project, requester=SCHEDULE, why=why)
        self._policy.adopt(SCHEDULE, (rule,))
        self._asked = now
        try:
            self._submit.submit_action(ActionRequest(kind=BACKUP, reason=f"scheduled: {why}"), SCHEDULE, "auto")
        except BackendError as error:
            log.warning("the scheduled backup was not begun: %s", error.detail)
            return False
        return True
