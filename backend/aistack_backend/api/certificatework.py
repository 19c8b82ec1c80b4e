"""The wiring of certificates: what is shown, what renews it, and who looks now and then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from aistack_backend.api.parts import Parts
from aistack_backend.clock import Clock
from aistack_backend.containers.backup.taker import Taker
from aistack_backend.containers.certificate.keep import Keep
from aistack_backend.containers.certificate.part import RenewPart
from aistack_backend.containers.certificate.shown import Shown
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Provisioner
from aistack_backend.containers.stack import secrets
from aistack_backend.containers.stack.history import History
from aistack_backend.containers.stack.models import Manifest
from aistack_backend.containers.stack.place import ManifestError
from aistack_backend.containers.update.swap import Swap
from aistack_backend.observe.certificates import EVERY, RenewalWatch

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class CertificateParts:
    """What routes and the engine need of certificates."""

    shown: Shown
    part: RenewPart


def build(
    manifest: Callable[[], Manifest],
    podman: Podman,
    provisioner: Provisioner,
    swap: Swap,
    history: History,
    taker: Taker,
    clock: Clock,
) -> CertificateParts:
    """Wire it; nothing is read or asked yet."""

    def known() -> Manifest | None:
        try:
            return manifest()
        except ManifestError:
            return None

    shown = Shown(known, podman, clock)
    keep = Keep(podman, provisioner, taker.secrets)
    return CertificateParts(
        shown=shown, part=RenewPart(manifest, shown, keep, swap, history, clock, secrets.certificate)
    )


async def watch(parts: Parts, certificates: CertificateParts) -> None:
    """Look now and then how long the certificates hold; for ever."""
    one = RenewalWatch(certificates.shown.look, parts.tasks.get(), parts.clock)
    while True:
        try:
            await asyncio.to_thread(one.tick)
        except Exception:  # a look that broke must not end the watch
            log.exception("the certificates could not be looked at")
        await asyncio.sleep(EVERY)
