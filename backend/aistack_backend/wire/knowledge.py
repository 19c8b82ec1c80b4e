"""Documents that the stack may look things up in, and what a search of them found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class SearchMode(StrEnum):
    """By what a search looks."""

    BOTH = "both"
    """By words and by meaning; each hit says where it stood in either."""
    WORDS = "words"
    MEANING = "meaning"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> SearchMode:
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Documents that are searched together, with vectors of one model."""

    name: str
    documents: int
    chunks: int
    characters: int
    model: str = ""
    """Whose vectors it holds; empty = none yet: it is searched by words."""
    dimensions: int | None = None
    without_vector: int = 0
    """Chunks that meaning does not find, since no model was there when they came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document as it was read."""

    id: int
    collection: str
    title: str
    source: str
    """Where it came from: a path, a URL, or ``note:`` and a name."""
    kind: str
    """``text``, ``markdown``, ``html`` or ``pdf``."""
    sha256: str
    """Of the bytes as they came."""
    size: int
    """Bytes, as they came."""
    chunks: int
    added_at: float
    added_by: str
    expires_at: float | None = None
    """When it may be collected; None = never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One piece of a document that a search found."""

    chunk_id: int
    document_id: int
    collection: str
    title: str
    source: str
    heading: str
    text: str
    start: int
    """The piece is the characters ``start`` to ``end`` of the document's text."""
    end: int
    score: float
    """Reciprocal rank fusion of the two ranks; it orders the hits of one search and means nothing beside another's."""
    words_rank: int | None = None
    """Its place among those found by words, from 1; None = not among them."""
    meaning_rank: int | None = None
    cosine: float | None = None
    """Likeness of meaning, -1 to 1; None = not looked at."""
    citation: str = ""
    """Title, heading, source and place in one line, to stand beside an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAnswer:
    """What a search found, best first, and how it looked."""

    hits: tuple[Hit, ...]
    mode: SearchMode
    """How it really looked."""
    searched: int
    """Chunks that were looked through."""
    took: float
    """Seconds."""
    detail: str = ""
    """Why it did not look as was asked; empty = it did."""
    vectors: str = ""
    """What was asked by meaning: ``exact``, ``pgvector`` or ``qdrant``; empty = nothing was."""

    def at_least(self, cosine: float) -> SearchAnswer:
        """Return it without the hits that are less alike."""
        return replace(self, hits=tuple(hit for hit in self.hits if hit.cosine is None or hit.cosine >= cosine))


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One piece of a document, in its order."""

    heading: str
    text: str
    start: int
    end: int
    has_vector: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentText:
    """A document with its text; what lies between two passages was blank."""

    document: Document
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """Texts as vectors of length one, in their order."""

    model: str
    dimensions: int
    vectors: tuple[tuple[float, ...], ...]


class Why(StrEnum):
    """Why a document may be too much."""

    ALIKE = "alike"
    """Another says the same."""
    EXPIRED = "expired"
    UNUSED = "unused"
    """No search found it for long."""
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> Why:
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Surplus:
    """One document that could go, and why."""

    document: Document
    why: Why
    detail: str
    like: Document | None = None
    """The one that stays for it."""
    cosine: float | None = None
    """Of its least alike piece; None = not compared by meaning."""
    found: int | None = None
    """Searches that found it since it is counted; None = not the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurplusList:
    """What of a collection could go; nothing was removed."""

    collection: str
    surplus: tuple[Surplus, ...]
    detail: str = ""
    """What could not be looked at; empty = everything was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRequest:
    """Remove these documents, as far as they are still too much by these bounds."""

    documents: tuple[int, ...]
    unused_days: float = 90.0
    alike: float = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What was removed."""

    removed: tuple[Document, ...]
    stayed: tuple[int, ...]
    """Named, and no longer too much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collections:
    """Every collection, by name."""

    collections: tuple[Collection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """Documents of a collection, newest first."""

    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRequest:
    """Add a document, or put it in place of the one that came from the same source."""

    source: str = ""
    """Where the text came from; empty = the path of the file."""
    text: str = ""
    path: str = ""
    """A file on the backend's machine, absolute, instead of a text."""
    title: str = ""
    """Empty = its first heading, or the last part of the source."""
    kind: str = ""
    """``text``, ``markdown``, ``html`` or ``pdf``; empty = by the source's ending."""
    keep_days: float | None = None
    """None = for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What became of a text that was added."""

    document: Document
    outcome: str
    """``added``, ``replaced`` (it had the same source) or ``unchanged``."""
    detail: str = ""
    """What is missing, e.g. vectors; empty = nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """Look through collections."""

    question: str
    collections: tuple[str, ...] = ()
    """Empty = all."""
    most: int = 10
    mode: SearchMode = SearchMode.BOTH
    source: str = ""
    """Only documents whose source begins so."""
    kind: str = ""
    """Only ``text``, ``markdown`` or ``html``; empty = all."""
    added_after: float | None = None
    """Only what was added at this time (epoch seconds) or later."""
    added_before: float | None = None
    """Only what was added before this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reindexed:
    """What a new computation of vectors did."""

    collection: Collection
    computed: int
    """Chunks that have a new vector."""
    took: float
    """Seconds."""
