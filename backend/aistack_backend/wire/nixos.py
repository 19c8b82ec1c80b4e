"""What is published about NixOS, as it lies here: packages, options and manuals, each with its date."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.base import Word


class NixKind(Word):
    """What an entry, or a whole source, is."""

    PACKAGE = "package"
    """From a ``packages.json``."""
    OPTION = "option"
    """From an ``options.json``."""
    MANUAL = "manual"
    """A section of a manual, from HTML or Markdown."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class NixSource:
    """One file that was read into the index."""

    name: str
    """Kind and channel, e.g. ``package nixos-unstable``; a manual's is its title."""
    kind: NixKind
    channel: str
    """``nixos-unstable``, ``nixos-24.05`` …, as whoever imported it said."""
    origin: str
    """The path or URL that it came from."""
    version: str
    """What the file says of its own version; empty = nothing."""
    sha256: str
    size: int
    """Bytes, as they came."""
    entries: int
    skipped: int
    """Entries of the file that could not be read."""
    imported_at: float
    imported_by: str
    published_at: float | None = None
    """When the file was made, as its date or its server told; None = not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NixHit:
    """One entry that was found. What the file does not say is empty."""

    kind: NixKind
    name: str
    """A package's attribute, an option's name, a section's heading."""
    title: str = ""
    """A package's own name; a manual's title."""
    text: str = ""
    """Its description, or the section."""
    version: str = ""
    homepage: str = ""
    licence: str = ""
    type: str = ""
    default: str = ""
    example: str = ""
    declared: tuple[str, ...] = ()
    """Files that declare an option, or that a package is from."""
    channel: str = ""
    source: str = ""
    """The name of the source that says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NixAnswer:
    """What was found, best first, and how old what was looked through is."""

    hits: tuple[NixHit, ...]
    searched: int
    """Entries that were looked through."""
    took: float
    """Seconds."""
    sources: tuple[NixSource, ...]
    """Those that were looked through."""
    detail: str
    """One sentence on their age, or that there is no index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NixSources:
    """Everything that is in the index."""

    sources: tuple[NixSource, ...]
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NixQuestion:
    """Look something up."""

    question: str
    kinds: tuple[NixKind, ...] = ()
    """Empty = all."""
    channel: str = ""
    """Empty = every channel that is here."""
    most: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class NixImportRequest:
    """Read a file of this machine into the index, in the place of the one of the same kind and channel."""

    path: str
    channel: str = "nixos-unstable"
    kind: NixKind = NixKind.UNKNOWN
    """UNKNOWN = by what is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NixFetchRequest:
    """The same from a URL; it is the script of the action ``nixos.import``, as JSON."""

    url: str
    channel: str = "nixos-unstable"
    kind: NixKind = NixKind.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class NixTaken:
    """What became of a file."""

    source: NixSource
    outcome: str
    """``added``, ``replaced`` or ``unchanged``."""
    detail: str = ""
    """How many entries could not be read, and why the first of them; empty = all could."""
