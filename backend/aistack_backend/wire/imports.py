"""What is read into the knowledge base from elsewhere, as it is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.base import Word


class ImportKind(Word):
    """What lies at the place."""

    PAGE = "page"
    """One document: a page, a text or a PDF, by http or https."""
    GIT = "git"
    """A git repository: a URL, or an absolute path of this machine."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """Read one place into a collection; it is the script of the action ``knowledge.import``, as JSON."""

    url: str
    """A URL, or the path of a repository."""
    collection: str
    kind: ImportKind = ImportKind.PAGE
    ref: str = ""
    """Branch or tag of a repository; empty = what its HEAD says."""
    only: tuple[str, ...] = ()
    """Patterns as ``*.md`` or ``docs/*``; only files that fit one are read. Empty = all."""
    files: int = 2_000
    """Files of a repository at most."""
    megabytes: int = 64
    """Of them together at most; twice as much may come over the network."""
    keep_days: float | None = None
    """None = for ever."""
