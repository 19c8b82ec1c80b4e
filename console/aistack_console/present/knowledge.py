"""Knowledge in words: collections, documents, hits with their place in either order, and what could go."""

from __future__ import annotations

from collections.abc import Sequence

from aistack_backend.wire.knowledge import (
    Collection,
    Collections,
    Document,
    DocumentText,
    Hit,
    SearchAnswer,
    SearchMode,
    Surplus,
    SurplusList,
)
from aistack_console.present.para import Para, fact, para, text_lines, title
from aistack_console.present.table import Cell, Column, Row
from aistack_console.present.units import day_clock, many, size, span

COLLECTIONS, DOCUMENTS, HITS, SURPLUS = "collections", "documents", "hits", "surplus"
"""What the list can show."""
COLUMNS: dict[str, tuple[Column, ...]] = {
    COLLECTIONS: (
        Column("COLLECTION", 0),
        Column("DOCS", 6, "right"),
        Column("PIECES", 7, "right"),
        Column("VECTORS OF", 0),
        Column("DIM", 5, "right"),
        Column("WITHOUT", 8, "right"),
    ),
    DOCUMENTS: (
        Column("ID", 6, "right"),
        Column("TITLE", 0),
        Column("KIND", 8),
        Column("SIZE", 7, "right"),
        Column("PIECES", 6, "right"),
        Column("AGE", 5, "right"),
        Column("SOURCE", 0, min_screen_width=120),
    ),
    HITS: (
        Column("#", 3, "right"),
        Column("SCORE", 5, "right"),
        Column("WORDS", 5, "right"),
        Column("MEANS", 5, "right"),
        Column("COS", 5, "right"),
        Column("TITLE", 0),
        Column("SOURCE", 0, min_screen_width=120),
    ),
    SURPLUS: (Column("ID", 6, "right"), Column("WHY", 8), Column("TITLE", 0), Column("REASON", 0)),
}
WORDS = {SearchMode.BOTH: "words and meaning", SearchMode.WORDS: "words", SearchMode.MEANING: "meaning"}


def collection_rows(found: Collections | None) -> tuple[Row, ...]:
    """Return a row for each collection."""
    return tuple(_collection(one) for one in (found.collections if found else ()))


def _collection(one: Collection) -> Row:
    missing: Cell = (f"{one.without_vector:,}", "warn" if one.without_vector else "dim")
    dimensions = "-" if one.dimensions is None else str(one.dimensions)
    model: Cell = one.model or ("none: by words", "dim")
    return Row(one.name, (one.name, f"{one.documents:,}", f"{one.chunks:,}", model, dimensions, missing))


def document_rows(found: Sequence[Document], now: float) -> tuple[Row, ...]:
    """Return a row for each document."""
    return tuple(
        Row(
            str(one.id),
            (
                str(one.id),
                one.title,
                (one.kind, "dim"),
                size(one.size),
                str(one.chunks),
                (span(now - one.added_at), "dim"),
                (one.source, "dim"),
            ),
        )
        for one in found
    )


def hit_rows(found: SearchAnswer | None) -> tuple[Row, ...]:
    """Return a row for each hit; a place that it does not have is ``-``."""
    return tuple(
        Row(
            str(one.chunk_id),
            (
                str(number),
                f"{one.score:.4f}".removeprefix("0"),
                "-" if one.words_rank is None else str(one.words_rank),
                "-" if one.meaning_rank is None else str(one.meaning_rank),
                cosine(one.cosine),
                one.title,
                (one.source, "dim"),
            ),
        )
        for number, one in enumerate(found.hits if found else (), 1)
    )


def surplus_rows(found: SurplusList | None) -> tuple[Row, ...]:
    """Return a row for each document that could go."""
    return tuple(
        Row(str(one.document.id), (str(one.document.id), (one.why.value, "warn"), one.document.title, one.detail))
        for one in (found.surplus if found else ())
    )


def cosine(value: float | None) -> str:
    """Return a likeness; what was not looked at is ``-``."""
    return "-" if value is None else f"{value:.2f}"


def head(view: str, name: str, found: Collections | None, mode: SearchMode) -> tuple[Cell, ...]:
    """Return the line above the list."""
    cells: list[Cell] = [("KNOWLEDGE  ", "accent")]
    if found is None:
        return (*cells, ("not read yet", "dim"))
    if view == COLLECTIONS:
        documents, pieces = (
            sum(one.documents for one in found.collections),
            sum(one.chunks for one in found.collections),
        )
        cells.append(
            f"{many(len(found.collections), 'collection')}, {many(documents, 'document')}, {many(pieces, 'piece')}"
        )
    elif view != HITS:
        cells.append(f"{'what could go of ' if view == SURPLUS else ''}{name}")
    return (*cells, (f"   / looks by {WORDS.get(mode, '?')}", "dim"))


def said(question: str, name: str, found: SearchAnswer) -> tuple[Para, ...]:
    """Return what was looked for, how, and why not otherwise."""
    where = f" in {name}" if name else ""
    by = WORDS.get(found.mode, "?") + (f" ({found.vectors})" if found.vectors else "")
    counts = f"{many(len(found.hits), 'hit')} of {many(found.searched, 'piece')}"
    count = f"{counts}{where}, by {by}, in {found.took * 1000:.0f} ms"
    note = (para((found.detail, "warn")),) if found.detail else ()
    return (para(("looked for ", "dim"), question), para((count, "dim")), *note)


def collection_paras(one: Collection) -> tuple[Para, ...]:
    """Return a collection in full."""
    vectors = f"{one.model}, {one.dimensions} numbers each" if one.model else "none: it is searched by words"
    held = f"{many(one.chunks, 'piece')}, {many(one.characters, 'character')}"
    missing = (
        f"{many(one.without_vector, 'piece is', 'pieces are')} found by words only"
        if one.without_vector
        else "no piece lacks one"
    )
    return (
        title(one.name),
        fact("holds", f"{many(one.documents, 'document')} in {held}"),
        fact("vectors", vectors),
        fact("missing", missing if one.model else "-"),
        fact("enter", "shows its documents"),
        fact("shell", f"aistack-console knowledge add FILE… --collection {one.name}; reindex {one.name}"),
    )


def document_paras(one: Document, text: DocumentText | None, now: float) -> tuple[Para, ...]:
    """Return a document in full, with its text once that is read."""
    over = "never" if one.expires_at is None else day_clock(one.expires_at, now)
    paras = [
        title(one.title),
        fact("source", one.source),
        fact("added", f"{day_clock(one.added_at, now)} by {one.added_by}"),
        fact("kind", f"{one.kind}, {many(one.size, 'byte')}, {many(one.chunks, 'piece')}"),
        fact("over", over),
        fact("sha256", one.sha256),
    ]
    if text is None or text.document.id != one.id:
        return (*paras, para(("Reading its text ...", "dim")))
    return (*paras, *_passages(text))


def _passages(text: DocumentText) -> list[Para]:
    paras: list[Para] = []
    for number, one in enumerate(text.passages, 1):
        vector = "" if one.has_vector else ", no vector"
        paras.append(para((f"-- {number} of {len(text.passages)}, characters {one.start} to {one.end}{vector}", "dim")))
        paras += text_lines(one.text)
    return paras


def hit_paras(one: Hit) -> tuple[Para, ...]:
    """Return a hit: where it stands, why it was found, and its text."""
    words = f"{one.words_rank}. by words" if one.words_rank else "not by words"
    means = f"{one.meaning_rank}. by meaning, cosine {cosine(one.cosine)}" if one.meaning_rank else "not by meaning"
    return (
        para((one.citation or one.title, "accent")),
        fact("found", f"{words}; {means}; score {one.score:.4f}"),
        fact("in", f"{one.collection}, document {one.document_id}"),
        *text_lines(one.text),
    )


def surplus_paras(one: Surplus, now: float) -> tuple[Para, ...]:
    """Return why a document could go, and what stays for it."""
    like = one.like
    stays = (fact("stays", f"document {like.id}, {like.title} ({like.source})"),) if like else ()
    alike = (fact("cosine", f"{one.cosine:.3f} at least, of each piece"),) if one.cosine is not None else ()
    first = (fact("why", f"{one.why.value}: {one.detail}", "warn"), *stays, *alike, fact("X", "removes it"))
    return (*first, *document_paras(one.document, None, now)[:-1])


def empty() -> tuple[Para, ...]:
    """Return what is said while nothing is here: how documents come."""
    return (
        para("No document is here yet."),
        para(""),
        fact("add", "aistack-console knowledge add README.md guides   (files, and folders with all below them)"),
        fact("import", "aistack-console knowledge import URL   (a page or a repository, by approval)"),
        fact("then", "/ searches by words and by meaning; each hit says its source and why it was found"),
        fact("stays", "on this machine: documents lie in the backend's own database"),
    )


def nothing_found() -> tuple[Para, ...]:
    """Return what is said of a search without a hit."""
    return (para(("Nothing was found. Other words may help; t changes by what is looked.", "dim")),)
