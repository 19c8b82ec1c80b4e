"""Create our tables, and refuse a database that a newer version wrote."""

from __future__ import annotations

from sqlalchemy import Connection, insert, inspect, select

import aistack_backend.store.alert_tables
import aistack_backend.store.calibration_tables
import aistack_backend.store.chat_tables
import aistack_backend.store.federation_tables
import aistack_backend.store.flow_tables
import aistack_backend.store.knowledge_tables
import aistack_backend.store.knowledge_use_tables
import aistack_backend.store.knowledge_word_tables
import aistack_backend.store.learning_tables
import aistack_backend.store.loop_tables
import aistack_backend.store.mark_tables
import aistack_backend.store.member_tables
import aistack_backend.store.model_tables
import aistack_backend.store.nixos_tables
import aistack_backend.store.people_tables
import aistack_backend.store.provider_tables
import aistack_backend.store.routing_tables
import aistack_backend.store.rule_tables
import aistack_backend.store.telemetry_tables
import aistack_backend.store.trace_tables
import aistack_backend.store.training_tables
import aistack_backend.store.tree_tables
import aistack_backend.store.use_tables  # noqa: F401  (tables on the same metadata)
from aistack_backend.errors import Unavailable
from aistack_backend.store.tables import meta, metadata

VERSION = 1
"""Raised with every change of a table; the change comes with the step that brings an older database up."""


def ensure(connection: Connection, place: str) -> None:
    """Create what is missing in the caller's transaction.

    Raises:
        Unavailable: damaged (SQLite's quick check), or written by a newer version.
    """
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if found != "ok":
            raise Unavailable(f"The database {place} is damaged: {found}.", "Restore the last backup.")
    if inspect(connection).has_table(meta.name):
        _refuse_newer(connection, place)
    metadata.create_all(connection)
    if version(connection) is None:
        connection.execute(insert(meta).values(key="schema", value=str(VERSION)))


def version(connection: Connection) -> int | None:
    """Return the schema version that the database carries, None before the first."""
    value = connection.execute(select(meta.c.value).where(meta.c.key == "schema")).scalar()
    return None if value is None else int(value)


def _refuse_newer(connection: Connection, place: str) -> None:
    found = version(connection)
    if found is not None and found > VERSION:
        raise Unavailable(
            f"The database {place} has schema {found}; this version knows {VERSION}.",
            "Start the newer aistack-backend again, or restore a backup made by this version.",
        )
