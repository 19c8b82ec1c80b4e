"""``certificate.renew``: a new certificate is proven over TLS before the old one goes; else the old one comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.clock import Clock
from aistack_backend.containers.aside import to_the_end
from aistack_backend.containers.certificate.keep import Keep
from aistack_backend.containers.certificate.shown import Shown, secret
from aistack_backend.containers.certificate.x509 import Certificate, NoCertificate, of_pem
from aistack_backend.containers.stack.history import History
from aistack_backend.containers.stack.models import Manifest, SecretDecl, ServiceDecl
from aistack_backend.containers.stack.secrets import DAYS
from aistack_backend.containers.stack.spec import wanted
from aistack_backend.containers.update.swap import Swap
from aistack_backend.engine.tools import Fate, Nature, Outcome
from aistack_backend.errors import BackendError, BadInput, Conflict, NotFound
from aistack_backend.wire.actions import Target

KIND = "certificate.renew"
SOON = 30.0
"""Days left from which on also others than a person may ask."""
PERSON = "operator:"


class RenewPart:
    """Prepares and runs renewals. Preparing looks, and changes nothing."""

    kinds = frozenset({KIND})

    def __init__(
        self,
        manifest: Callable[[], Manifest],
        shown: Shown,
        keep: Keep,
        swap: Swap,
        history: History,
        clock: Clock,
        make: Callable[[], bytes],
    ) -> None:
        """``make`` gives a new certificate and its key, one PEM (``stack.secrets.certificate``)."""
        self._manifest = manifest
        self._shown = shown
        self._keep = keep
        self._swap = swap
        self._history = history
        self._clock = clock
        self._make = make
        self._busy: set[str] = set()

    def busy(self) -> Collection[str]:
        """Return the services that a renewal acts on just now."""
        return frozenset(self._busy)

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """``target``: a service that shows a certificate made here; "" where there is one alone.

        Raises:
            NotFound, BadInput, Unavailable: one sentence.
        """
        manifest = self._manifest()
        decl, _ = _chosen(manifest, target.strip())
        now = self._shown.measure(decl)
        left = now.left(self._clock.now())
        if not now.own:
            raise BadInput(
                f"The certificate of {decl.id} was signed by somebody else.",
                "Keep the next one as its secret, and make the container anew.",
            )
        if not requester.startswith(PERSON) and left >= SOON:
            raise BadInput(f"It holds {left:.0f} more days; before {SOON:.0f} are left only a person renews it.")
        action = Action(
            kind=KIND,
            argv=("aistack-console", "certificate", "renew", decl.id),
            targets=(Target(type="service", id=decl.container, name=decl.id, pin=_pin(manifest, decl, now)),),
            requester=requester,
            task_id=task_id,
        )
        effect = (
            f"Its certificate {now.serial[:16]} holds {left:.0f} more days and is replaced by one for {DAYS}. "
            "The container is made anew: some seconds without an answer, and browsers ask again whether to trust it. "
            "The old certificate and container come back unless the new ones are seen over TLS."
        )
        undo = "none: the earlier certificate is gone once the new one is proven"
        return action, Evidence(title=f"renew the certificate of {decl.id}", effect=effect, undo=undo, managed=True)

    def nature(self, action: Action) -> Nature:
        """A run that was cut off is first put back, then done whole."""
        return Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """The same declaration, and the same certificate is shown."""
        try:
            manifest = self._manifest()
            decl, _ = _chosen(manifest, action.targets[0].name)
            same = _pin(manifest, decl, self._shown.measure(decl)) == action.targets[0].pin
        except BackendError as error:
            return error.detail
        return "" if same else f"{decl.id} or its certificate is not what was approved any more."

    async def run(self, key: str, action: Action) -> Outcome:
        """Renew; when it returns or is cancelled, one certificate is in force: proven new, or the old one."""
        try:
            manifest = self._manifest()
            decl, kept = _chosen(manifest, action.targets[0].name)
            self._busy.add(decl.id)
            await to_the_end(lambda: self._settle(decl, kept))
            if self._serial(decl) not in ("", serial_of(action)):
                return Outcome(ok=True, text=f"{decl.id} shows another certificate already.")
            if why := self.recheck(action):
                return Outcome(ok=False, text=f"Nothing was done: {why}")
            return await self._renew(manifest, decl, kept, serial_of(action))
        except BackendError as error:
            return Outcome(ok=False, text=f"{error.detail} {error.hint}".strip())
        finally:
            self._busy.discard(action.targets[0].name)
            await to_the_end(self._look)

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Only ``run`` can tell, and it puts back what was cut off."""
        return Fate.UNKNOWN, None

    async def _renew(self, manifest: Manifest, decl: ServiceDecl, kept: SecretDecl, serial: str) -> Outcome:
        image = self._keep.image_of(decl)
        pem = await to_the_end(self._make)
        new = _read(pem)
        expected = self._history.expected().get(decl.id)

        def proof() -> str:
            seen = self._shown.measure(decl)
            return "" if seen.serial == new.serial else f"It shows certificate {seen.serial[:16]}, not the new one."

        try:
            await to_the_end(lambda: self._keep.replace(manifest, kept, pem, serial))
            why = await self._swap.run(manifest, decl, image, expected, proof)
        except (BackendError, asyncio.CancelledError):
            await to_the_end(lambda: self._settle(decl, kept))
            raise
        if why:
            await to_the_end(lambda: self._settle(decl, kept))
            return Outcome(ok=False, text=f"The old certificate is back: {why}")
        await to_the_end(lambda: self._keep.forget(kept))
        return Outcome(ok=True, text=f"{decl.id} shows certificate {new.serial[:16]}, for {DAYS} days.")

    def _settle(self, decl: ServiceDecl, kept: SecretDecl) -> None:
        """Bring back container and certificate of a renewal that was not finished; one that was proven stays."""
        if not self._keep.unfinished(kept):
            return
        self._swap.settle(decl)
        old = self._keep.before(kept)
        if self._serial(decl) in ("", _read(old).serial):
            self._keep.put_back(self._manifest(), kept, old)
        self._keep.forget(kept)

    def _serial(self, decl: ServiceDecl) -> str:
        try:
            return self._shown.measure(decl).serial
        except BackendError:
            return ""

    def _look(self) -> None:
        try:
            self._shown.look()
        except BackendError:
            return


def serial_of(action: Action) -> str:
    """Return the serial that was approved to go."""
    return action.targets[0].pin.partition("serial=")[2].partition(" ")[0]


def _chosen(manifest: Manifest, name: str) -> tuple[ServiceDecl, SecretDecl]:
    found = {one.id: (one, made) for one in manifest.services.values() if (made := secret(manifest, one))}
    if name in found:
        return found[name]
    if not name and len(found) == 1:
        return next(iter(found.values()))
    known = ", ".join(found) or "none"
    raise NotFound(f"No service {name!r} shows a certificate made here.", f"Those that do: {known}.")


def _pin(manifest: Manifest, decl: ServiceDecl, now: Certificate) -> str:
    return f"serial={now.serial} want={wanted(manifest, decl)}"


def _read(pem: bytes) -> Certificate:
    try:
        return of_pem(pem)
    except NoCertificate as error:
        raise Conflict(f"What is kept as the certificate cannot be read: {error}") from error
