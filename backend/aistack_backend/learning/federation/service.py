"""Federation: give, take in, review. What comes from elsewhere is data until a person here has looked at it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError, BadInput, Conflict, Refused
from aistack_backend.learning.federation import giving, review, sealed, signers
from aistack_backend.learning.federation.giving import Clean
from aistack_backend.learning.federation.identity import Identity
from aistack_backend.store.database import Database
from aistack_backend.store.federation_tables import bundle, item
from aistack_backend.store.files import replace_file
from aistack_backend.wire.federation import (
    Bundle,
    BundleRequest,
    Federation,
    FederationRole,
    HeldItem,
    HeldItems,
    ItemState,
    Rule,
    Signer,
    Taken,
    TakenList,
    TrustRequest,
)

SUFFIX = ".aifed.json"
SHOWN = 100
FILES = 200
"""Bundles of one folder that are taken in at once."""
DAY = 86_400.0
LONGEST = 365.0
"""Days that a bundle may be valid."""


class Exchange:
    """Belongs to any thread."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        identity: Identity,
        clean: Clean,
        role: FederationRole,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """``changed`` is called after each change: of who is trusted, of bundles, of what waits or was let in."""
        self._database, self._clock, self.identity = database, clock, identity
        self._clean, self._role, self._changed = clean, role, changed

    def status(self) -> Federation:
        """Return role, key, signers, bundles, and how many items wait."""
        with self._database.read() as connection:
            waiting = select(func.count()).where(item.c.state == ItemState.QUARANTINED.value)
            newest = connection.execute(select(bundle).order_by(bundle.c.id.desc()).limit(SHOWN)).all()
            return Federation(
                role=self._role,
                key=self.identity.public(),
                signers=signers.signers(connection),
                bundles=tuple(_shown(row) for row in newest),
                quarantined=int(connection.execute(waiting).scalar_one()),
            )

    def trust(self, request: TrustRequest, by: str) -> Signer:
        """Trust an installation; see ``signers.trust``."""
        with self._database.tx() as connection:
            own = self.identity.public()
            done = signers.trust(connection, request, by, self._clock.now(), role=self._role, own=own)
        self._changed()
        return done

    def revoke(self, name: str) -> Signer:
        """Trust it no more; what came from it and waits is dropped only by a person."""
        with self._database.tx() as connection:
            done = signers.revoke(connection, name, self._clock.now())
        self._changed()
        return done

    def export(self, request: BundleRequest, by: str) -> Bundle:
        """Write a signed bundle, 0600; the number is used up even when the file cannot be written.

        Raises:
            BadInput: the path cannot be. Conflict: no key, nothing to give, or the file is there. Unavailable: the key.
        """
        path, now = _absolute(request.path), self._clock.now()
        if not 0 < request.days <= LONGEST:
            raise BadInput(f"A bundle is valid for up to {LONGEST:g} days.")
        key, public = self.identity.secret(), self.identity.public()
        with self._database.tx() as connection:
            found = giving.held(connection, self._role, patterns=request.patterns, samples=request.samples)
            given = giving.cleaned(found, self._clean)
            if not given.items:
                raise Conflict("There is nothing to give: no pattern of ours is active, and no sample accepted.")
            last = connection.execute(select(func.max(bundle.c.number)).where(bundle.c.key == public)).scalar()
            body = sealed.Body(
                key=public,
                number=int(last or 0) + 1,
                created_at=int(now),
                expires_at=int(now + request.days * DAY),
                items=tuple(one for one, _ in given.items),
            )
            made = sealed.seal(body, key)
            file = path / f"{public[:16]}-{body.number:06}{SUFFIX}" if path.is_dir() else path
            if file.exists():
                raise Conflict(f"{file} is there already.", "Name a new file.")
            row = _keep(connection, body, "", by, now, str(file), given)
        try:
            with replace_file(file) as out:
                out.write(made.data)
        except OSError as error:
            raise BadInput(
                f"{file} cannot be written: {error.strerror}.", "Name a file in a folder of yours."
            ) from error
        finally:
            self._changed()
        return row

    def take(self, path: str, by: str) -> TakenList:
        """Take in a bundle, or every new one of a folder, the lowest numbers first; a refusal is told of each file.

        Raises:
            BadInput: there is no such file or folder.
        """
        place = _absolute(path)
        if place.is_dir():
            files = sorted(place.glob(f"*{SUFFIX}"))[:FILES]
            read = [(file, *self._opened(file)) for file in files]
            order = sorted(read, key=lambda one: (one[1].body.key, one[1].body.number) if one[1] else ("", 0))
            return TakenList(files=tuple(self._one(file, made, why, by) for file, made, why in order))
        if not place.is_file():
            raise BadInput(f"There is no bundle or folder {place}.")
        return TakenList(files=(self._one(place, *self._opened(place), by),))

    def items(self, state: ItemState | None) -> HeldItems:
        """Return items from elsewhere of a state (None = of any)."""
        with self._database.read() as connection:
            return HeldItems(items=review.held(connection, state))

    def accept(self, number: int, rule: str, by: str) -> HeldItem:
        """Let an item in; see ``review.accept``.

        Raises:
            BadInput: there is no such rule. NotFound, Conflict: as there.
        """
        if rule and Rule(rule) is Rule.UNKNOWN:
            raise BadInput(f"{rule[:40]!r} is no rule.", "latest, highest-value or keep-both.")
        with self._database.tx() as connection:
            done = review.accept(connection, number, Rule(rule) if rule else None, by, self._clock.now())
        self._changed()
        return done

    def drop(self, number: int, by: str) -> HeldItem:
        """Take an item out; see ``review.drop``."""
        with self._database.tx() as connection:
            done = review.drop(connection, number, by, self._clock.now())
        self._changed()
        return done

    def accepted(self, data: bytes, name: str, place: str, by: str) -> Bundle:
        """Take in the bytes of a bundle: all of it into quarantine, or nothing.

        Raises:
            BadInput: it is no bundle. Refused: forged, unknown, revoked, expired or seen before; one sentence.
        """
        return self._in(sealed.opened(data, name), name, place, by)

    def _opened(self, file: Path) -> tuple[sealed.Sealed | None, str]:
        try:
            with file.open("rb") as opened:
                return sealed.opened(opened.read(sealed.LARGEST + 1), file.name), ""
        except OSError as error:
            return None, f"{file} cannot be read: {error.strerror}."
        except BackendError as error:
            return None, error.detail

    def _one(self, file: Path, made: sealed.Sealed | None, why: str, by: str) -> Taken:
        if made is None:
            return Taken(path=str(file), refused=why)
        try:
            return Taken(path=str(file), bundle=self._in(made, file.name, str(file), by))
        except (BadInput, Refused) as error:
            return Taken(path=str(file), refused=error.detail)

    def _in(self, made: sealed.Sealed, name: str, place: str, by: str) -> Bundle:
        body, now = made.body, self._clock.now()
        with self._database.tx() as connection:
            sender = signers.allowed(connection, body.key, name, now)
            sealed.proven(made, name)
            sealed.timely(body, name, now)
            seen = connection.execute(select(bundle.c.id).where(bundle.c.sha256 == body.sha256)).first()
            if seen is not None or body.number <= sender.number:
                raise Refused(f"{name} is number {body.number} of {sender.name}; {sender.number} was taken in already.")
            given = giving.cleaned(body.items, self._clean)
            book = review.Book(connection)
            new = tuple((one, count) for one, count in given.items if not review.known(connection, one, book))
            left = given.left_out + len(given.items) - len(new)
            row = _keep(connection, body, sender.name, by, now, place, giving.Cleaned(new, left))
            for one, count in new:
                review.keep(connection, row.id, one, count)
            signers.counted(connection, body.key, body.number)
        self._changed()
        return row


def _keep(
    connection: Connection, body: sealed.Body, signer: str, by: str, now: float, place: str, given: giving.Cleaned
) -> Bundle:
    values = {
        "key": body.key,
        "signer": signer,
        "number": body.number,
        "sha256": body.sha256,
        "created_at": float(body.created_at),
        "expires_at": float(body.expires_at),
        "at": now,
        "by": by,
        "path": place,
        "items": len(given.items),
        "redactions": given.redactions,
        "left_out": given.left_out,
    }
    return _shown(connection.execute(insert(bundle).values(**values).returning(bundle)).one())


def _shown(row: Row[Any]) -> Bundle:
    return Bundle(**{name: getattr(row, name) for name in Bundle.__dataclass_fields__})


def _absolute(path: str) -> Path:
    if not Path(path).is_absolute() or "\0" in path:
        raise BadInput(f"{path[:200]!r} is no absolute path.", "The backend has another working folder than you.")
    return Path(path)
