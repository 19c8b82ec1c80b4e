"""Certificates that end: the doctor's look, and the one request that self-heal leaves for a person in the last days."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from aistack_backend.clock import Clock
from aistack_backend.containers.certificate.part import KIND, SOON
from aistack_backend.containers.certificate.shown import Seen
from aistack_backend.errors import BackendError
from aistack_backend.observe.doctor import Check
from aistack_backend.observe.heal.patients import REQUESTER
from aistack_backend.observe.heal.service import Submit
from aistack_backend.wire.actions import ActionRequest
from aistack_backend.wire.status import Finding

log = logging.getLogger(__name__)
NAME = "certificate"
EVERY = 60.0
"""Seconds between two looks."""
AGAIN = 86_400.0
"""Seconds until a renewal that did not come about is asked for again."""
Look = Callable[[], Mapping[str, Seen]]
"""Measures now what each service shows (``Shown.look``)."""
RENEW = "aistack-console certificate renew"


def certificates(look: Look, now: Callable[[], float]) -> Check:
    """Check how long the certificates hold that running services show."""

    def ask() -> Finding:
        found = look()
        if not found:
            return Finding(name=NAME, ok=True, detail="No service that runs shows a certificate of ours.")
        unseen = [one.fault for one in found.values() if one.certificate is None]
        left = {key: one.certificate.left(now()) for key, one in found.items() if one.certificate}
        ending = [key for key, days in left.items() if days < SOON]
        said = " ".join([*(words(key, found[key], now()) for key in left), *unseen])
        if ending:
            return Finding(name=NAME, ok=False, detail=said, fix=f"{RENEW} {ending[0]}")
        return Finding(name=NAME, ok=None if unseen else True, detail=said)

    return Check(NAME, ask)


def words(service: str, seen: Seen, now: float) -> str:
    """Return until when a certificate holds, in one sentence."""
    shown = seen.certificate
    if shown is None:
        return seen.fault
    day = datetime.fromtimestamp(shown.until, UTC).date().isoformat()
    left = shown.left(now)
    tail = f"{left:.0f} days left" if left >= 0 else f"{-left:.0f} days ago"
    return f"The certificate of {service} {'ends' if left >= 0 else 'ended'} on {day}, {tail}."


class RenewalWatch:
    """Looks, and asks for a renewal when the last days have begun; nobody but a person can say yes to it."""

    def __init__(self, look: Look, submit: Submit, clock: Clock) -> None:
        self._look = look
        self._submit = submit
        self._clock = clock
        self._asked: dict[str, float] = {}

    def tick(self) -> tuple[str, ...]:
        """Look once; return the services whose renewal was asked for now. Blocks.

        Raises:
            BackendError: Podman does not answer.
        """
        now, asked = self._clock.now(), []
        for key, seen in self._look().items():
            shown = seen.certificate
            if shown is None or not shown.own or shown.left(now) >= SOON:
                continue
            if 0 <= now - self._asked.get(key, -AGAIN) < AGAIN:
                continue
            self._asked[key] = now
            request = ActionRequest(kind=KIND, target=key, reason=words(key, seen, now))
            try:
                self._submit.submit_action(request, REQUESTER, "auto")
            except BackendError as error:
                log.warning("the renewal of %s was not asked for: %s", key, error.detail)
                continue
            asked.append(key)
        return tuple(asked)
