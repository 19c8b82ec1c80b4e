"""Collections, documents, hits and surplus for the tests of the Knowledge screen."""

from __future__ import annotations

from tests.console.stage import NOW, Stage

from aistack_backend.wire.knowledge import (
    Collection,
    Collections,
    Document,
    Documents,
    DocumentText,
    Hit,
    Passage,
    SearchAnswer,
    SearchMode,
    Surplus,
    SurplusList,
    Swept,
    Why,
)

REDIS = Document(
    id=12, collection="docs", title="Redis", source="/home/ann/docs/redis.md", kind="markdown", sha256="ab" * 32,
    size=2048, chunks=2, added_at=NOW - 7200, added_by="operator:ann",
)  # fmt: skip
COPY = Document(
    id=15, collection="docs", title="Redis, again", source="note:redis", kind="text", sha256="cd" * 32, size=2040,
    chunks=2, added_at=NOW - 300, added_by="role:aidb", expires_at=NOW + 86_400,
)  # fmt: skip
FOUND = Collections(
    collections=(
        Collection(
            name="docs", documents=2, chunks=4, characters=4088, model="all-MiniLM-L6-v2", dimensions=384,
            without_vector=1,
        ),
        Collection(name="notes", documents=1, chunks=1, characters=80),
    )
)  # fmt: skip
TEXT = DocumentText(
    document=REDIS,
    passages=(
        Passage(heading="Redis", text="# Redis\n\nIt listens on 6379.", start=0, end=28, has_vector=True),
        Passage(heading="Stopping", text="It stops when its memory is full.", start=30, end=63, has_vector=False),
    ),
)
HITS = SearchAnswer(
    hits=(
        Hit(
            chunk_id=31, document_id=12, collection="docs", title="Redis", source=REDIS.source, heading="Redis",
            text="It listens on 6379.", start=9, end=28, score=0.0325, words_rank=1, meaning_rank=2, cosine=0.71,
            citation="Redis (/home/ann/docs/redis.md, characters 9 to 28)",
        ),
        Hit(
            chunk_id=40, document_id=15, collection="docs", title="Redis, again", source="note:redis", heading="",
            text="The port of redis.", start=0, end=18, score=0.0164, words_rank=None, meaning_rank=1, cosine=0.8,
        ),
    ),
    mode=SearchMode.BOTH, searched=4, took=0.0123, vectors="exact",
    detail="Not by meaning in notes (no vectors): all-MiniLM-L6-v2 embeds now.",
)  # fmt: skip
SURPLUS = SurplusList(
    collection="docs",
    surplus=(
        Surplus(
            document=COPY, why=Why.ALIKE, detail="/home/ann/docs/redis.md says the same: each piece alike.",
            like=REDIS, cosine=0.973,
        ),
    ),
)  # fmt: skip


def knowing(one: Stage) -> None:
    """Give the stage two collections with what is in them."""
    one.answers |= {
        "GET /v1/collections": FOUND,
        "GET /v1/collections/docs/documents": Documents(documents=(COPY, REDIS)),
        "GET /v1/collections/docs/surplus": SURPLUS,
        "POST /v1/collections/docs/sweep": Swept(removed=(COPY,), stayed=()),
        "GET /v1/documents/12": TEXT,
        "GET /v1/documents/15": DocumentText(document=COPY, passages=()),
        "POST /v1/documents/12/remove": REDIS,
        "POST /v1/search": HITS,
    }
