"""The wiring of imports: what is read from elsewhere into the knowledge base, behind the gate."""

from __future__ import annotations

from aistack_backend.api.parts import Parts
from aistack_backend.containers.preparers import Part
from aistack_backend.engine.tools import Tool
from aistack_backend.knowledge.imports.earlier import Earlier
from aistack_backend.orchestration.federation.tool import BundlePart, BundleTool
from aistack_backend.orchestration.fetch.guarded import Guarded
from aistack_backend.orchestration.imports.part import ImportPart
from aistack_backend.orchestration.imports.tool import ImportTool
from aistack_backend.orchestration.nixos.tool import NixPart, NixTool
from aistack_backend.orchestration.routing.wayout import WayOut
from aistack_backend.store.database import Database
from aistack_backend.wire.knowledge import Added, Document


class _Base:
    """The knowledge base of this backend, when it is there."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def add(
        self,
        name: str,
        data: bytes,
        source: str,
        by: str,
        *,
        kind: str = "",
        charset: str = "",
        keep_days: float | None = None,
    ) -> Added:
        """See ``Knowledge.add``."""
        base = self._parts.knowledge.get().base
        return await base.add(name, data, source, by, kind=kind, charset=charset, keep_days=keep_days)

    def remove(self, number: int) -> Document:
        """See ``Knowledge.remove``."""
        return self._parts.knowledge.get().base.remove(number)


def tools(parts: Parts, database: Database, way: WayOut) -> tuple[Tool, ...]:
    """Return what runs imports on this backend, of documents, of NixOS and of bundles of others."""
    folder, guarded = parts.settings.data_dir / "imports", Guarded(way=way)
    imports = ImportTool(_Base(parts), Earlier(database), folder, guarded)
    nixos = NixTool(lambda: parts.nixos.get().index, guarded)
    return (imports, nixos, BundleTool(parts.federation.get, guarded))


def parts() -> tuple[Part, ...]:
    """Return what prepares them."""
    return (ImportPart(), NixPart(), BundlePart())
