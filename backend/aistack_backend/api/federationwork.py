"""The wiring of federation: the key in the data folder, the cleaning that samples get, the configured role."""

from __future__ import annotations

from aistack_backend.api.parts import Parts
from aistack_backend.learning.federation.identity import Identity
from aistack_backend.learning.federation.service import Exchange
from aistack_backend.learning.review import Review
from aistack_backend.store.database import Database
from aistack_backend.wire.federation import FederationRole

FOLDER = "federation"
"""In the data folder."""


async def federation(parts: Parts, database: Database) -> None:
    """Raise it; nothing is read, and no key is made."""
    clean = Review(database, parts.clock, parts.audit.get().redactor).clean
    role = FederationRole(parts.settings.config.federation.role)

    def changed() -> None:
        if (learning := parts.learning.part) is not None:
            learning.tell()

    identity = Identity(parts.settings.data_dir / FOLDER)
    parts.federation.part = Exchange(database, parts.clock, identity, clean, role, changed)
