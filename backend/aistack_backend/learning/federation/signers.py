"""Who is trusted to send: a name and a public key, by a person's word; in the caller's transaction."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from aistack_backend.errors import BadInput, Conflict, NotFound, Refused
from aistack_backend.store.federation_tables import signer
from aistack_backend.wire.federation import FederationRole, Signer, TrustRequest

NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
KEY = re.compile(r"[0-9a-f]{64}")
DAY = 86_400.0
LONGEST = 3_650.0
"""Days that a person can trust ahead."""


def trust(
    connection: Connection, request: TrustRequest, by: str, now: float, *, role: FederationRole, own: str
) -> Signer:
    """Trust an installation. Raises ``BadInput``, ``Conflict``: it cannot be trusted, or is already."""
    if not NAME.fullmatch(request.name):
        raise BadInput(f"{request.name[:40]!r} cannot name a signer.", "Use 1 to 32 of a-z, 0-9 and -, a letter first.")
    if not KEY.fullmatch(request.key):
        raise BadInput("That is no public key: it has 64 hex digits.", "federation key prints it on the other side.")
    if request.days is not None and not 0 < request.days <= LONGEST:
        raise BadInput(f"A signer is trusted for up to {LONGEST:g} days.", "Leave it out to trust until revoked.")
    if request.key == own:
        raise Conflict("That is this installation's own key.")
    _sound(request.key)
    known = signers(connection)
    if any(one.name == request.name or one.key == request.key for one in known):
        raise Conflict("A signer of that name, or with that key, is known already.", "federation list shows them.")
    if role is FederationRole.SPOKE and any(one.revoked_at is None for one in known):
        raise Conflict("A spoke trusts one signer, its hub, and has one.", "Revoke it first.")
    expires = None if request.days is None else now + request.days * DAY
    values = {"name": request.name, "key": request.key, "added_by": by, "added_at": now, "expires_at": expires}
    connection.execute(insert(signer).values(**values, number=0))
    return Signer(**values)  # type: ignore[arg-type]


def revoke(connection: Connection, name: str, now: float) -> Signer:
    """Trust an installation no more. Raises ``NotFound``, ``Conflict``: there is none, or it was revoked."""
    found = next((one for one in signers(connection) if one.name == name), None)
    if found is None:
        raise NotFound(f"There is no signer {name[:40]!r}.", "federation list shows them.")
    if found.revoked_at is not None:
        raise Conflict(f"{name} was revoked already.")
    connection.execute(update(signer).where(signer.c.name == name).values(revoked_at=now))
    return next(one for one in signers(connection) if one.name == name)


def signers(connection: Connection) -> tuple[Signer, ...]:
    """Return everybody who is or was trusted, by name."""
    return tuple(_shown(row) for row in connection.execute(select(signer).order_by(signer.c.name)))


def allowed(connection: Connection, key: str, name: str, now: float) -> Signer:
    """Return the signer of a key, whose bundles may be taken in now.

    Raises:
        Refused: nobody trusts that key, or no longer; ``name`` is the file's.
    """
    row = connection.execute(select(signer).where(signer.c.key == key).with_for_update()).first()
    if row is None:
        raise Refused(f"{name} is signed by {key[:16]}…, whom nobody here trusts.", "federation trust NAME KEY")
    found = _shown(row)
    if found.revoked_at is not None:
        raise Refused(f"{name} is signed by {found.name}, who was revoked.")
    if found.expires_at is not None and now > found.expires_at:
        raise Refused(f"{name} is signed by {found.name}, whose trust has expired.", "Revoke, and trust anew.")
    return found


def counted(connection: Connection, key: str, number: int) -> None:
    """Keep the number of the newest bundle of a signer."""
    connection.execute(update(signer).where(signer.c.key == key).values(number=number))


def _shown(row: Row[Any]) -> Signer:
    return Signer(**{name: getattr(row, name) for name in Signer.__dataclass_fields__})


def _sound(key: str) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    except ValueError as error:
        raise BadInput("That is no public key of Ed25519.") from error
