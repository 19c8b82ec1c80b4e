"""``knowledge``: documents in, what a search finds in them out, with its place in each of the two orders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

from aistack_backend.wire.knowledge import Added, AddRequest, Collections, Documents, Hit, SearchAnswer, SearchMode
from aistack_console.client.api import Client
from aistack_console.errors import ClientError
from aistack_console.present.units import many, size
from aistack_console.text import one_line, plain
from aistack_console.verbs import importing
from aistack_console.verbs.context import Context, VerbError, ago, columns, fields, warn
from aistack_console.verbs.exits import Exit

USUAL = "docs"
SHOWN = 320
"""Characters of a hit."""


def run(context: Context) -> Exit:
    """Do what the first word says."""
    doing = {
        "list": _list,
        "add": _add,
        "search": _search,
        "documents": _documents,
        "remove": _remove,
        "reindex": _reindex,
        "surplus": _surplus,
        "sweep": _sweep,
        "import": _import,
    }
    return doing[context.arguments.what](context)


def _list(context: Context) -> Exit:
    _words(context, 0, "knowledge list takes no words.", "To search: knowledge search WORDS")

    async def job(client: Client) -> Collections:
        return await client.collections()

    found = context.with_backend(job)
    titles = ["COLLECTION", "DOCUMENTS", "PIECES", "CHARACTERS", "VECTORS OF", "WITHOUT"]
    rows = [
        [
            one.name,
            str(one.documents),
            str(one.chunks),
            str(one.characters),
            f"{one.model} ({one.dimensions})" if one.model else "-",
            str(one.without_vector),
        ]
        for one in found.collections
    ]
    context.show(found, lambda: columns(titles, rows) if rows else "No document is here. To add: knowledge add FILE…")
    return Exit.OK


def _add(context: Context) -> Exit:
    context.mutate("knowledge add")
    chosen = context.arguments
    _words(context, None, "Say the files and folders to add.", "For example: knowledge add README.md guides")
    every = (path for given in chosen.rest for path in files(Path(given), chosen.only))
    paths = list(islice(every, chosen.files + 1))
    if len(paths) > chosen.files:
        raise VerbError(Exit.USAGE, f"There are more than {chosen.files} files.", "Say --only PATTERN, or --files N.")
    name, refused, done = chosen.collection or USUAL, 0, list[Added]()

    async def job(client: Client) -> None:
        nonlocal refused
        for path in paths:
            try:
                one = await client.add_document(name, AddRequest(path=str(path), keep_days=chosen.keep_days))
            except ClientError as error:
                if error.status != 422:  # not this document but everything is wrong
                    raise
                refused += 1
                warn(f"not added: {error.sentence}")
                continue
            done.append(one)
            warn(f"{one.outcome}: {one_line(one.document.source)}, {many(one.document.chunks, 'piece')}")

    context.with_backend(job)
    counts = [(word, str(sum(one.outcome == word for one in done))) for word in ("added", "replaced", "unchanged")]
    why = [("note", one.detail) for one in done if one.detail][:1]
    context.show(done, lambda: fields([("collection", name), *counts, ("not added", str(refused)), *why]))
    return Exit.FAILED if refused else Exit.OK


def _import(context: Context) -> Exit:
    return importing.run(context, context.arguments.collection or USUAL)


def files(given: Path, only: Sequence[str] = ()) -> Iterator[Path]:
    """Yield the files to add, absolute: the file itself, or every one in a folder and below that fits a pattern of
    ``only`` (all when there is none). Hidden ones and links inside of it are left out.

    Raises:
        VerbError: there is no such file or folder.
    """
    path = Path(os.path.abspath(given))  # noqa: PTH100  a link stays what it is called
    if not path.exists():
        raise VerbError(Exit.USAGE, f"There is no {given}.", "Name a file or a folder.")
    if not path.is_dir():
        yield path
        return
    for folder, inner, names in os.walk(path):
        inner[:] = sorted(one for one in inner if not one.startswith("."))
        for name in sorted(names):
            found = Path(folder) / name
            if name.startswith(".") or found.is_symlink() or not found.is_file():
                continue
            if _fits(found.relative_to(path).as_posix(), only):
                yield found


def _fits(path: str, only: Sequence[str]) -> bool:
    name = path.rpartition("/")[2]
    return not only or any(fnmatchcase(path, one) or fnmatchcase(name, one) for one in only)


def _search(context: Context) -> Exit:
    chosen = context.arguments
    _words(context, None, "Say the words to search for.", "For example: knowledge search port of redis")
    names = [chosen.collection] if chosen.collection else []

    async def job(client: Client) -> SearchAnswer:
        return await client.search(" ".join(chosen.rest), names, chosen.most, SearchMode(chosen.mode))

    found = context.with_backend(job)
    context.show(found, lambda: _said(found))
    return Exit.OK if found.hits else Exit.FAILED


def _said(found: SearchAnswer) -> str:
    how = {SearchMode.BOTH: "words and meaning", SearchMode.WORDS: "words", SearchMode.MEANING: "meaning"}
    head = f"{len(found.hits)} of {many(found.searched, 'piece')}, by {how.get(found.mode, '?')}, "
    head += f"{found.took * 1000:.0f} ms."
    return "\n\n".join([f"{head} {plain(found.detail)}".strip(), *map(_hit, found.hits)])


def _hit(hit: Hit) -> str:
    places = [f"words {hit.words_rank}"] if hit.words_rank else []
    if hit.meaning_rank and hit.cosine is not None:
        places.append(f"meaning {hit.meaning_rank} ({hit.cosine:.2f})")
    under = f" > {plain(hit.heading)}" if hit.heading and hit.heading != hit.title else ""
    text = plain(" ".join(hit.text.split()))
    cut = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
    head = f"[{hit.document_id}] {plain(hit.title)}{under}   {', '.join(places)}"
    return f"{head}\n    {plain(hit.source)}:{hit.start}-{hit.end}\n    {cut}"


def _documents(context: Context) -> Exit:
    (name,) = _words(context, 1, "Say one collection.", "aistack-console knowledge lists them.")

    async def job(client: Client) -> Documents:
        return await client.documents(name)

    found = context.with_backend(job)
    titles = ["ID", "TITLE", "KIND", "SIZE", "PIECES", "ADDED", "SOURCE"]
    rows = [
        [str(one.id), one.title, one.kind, size(one.size), str(one.chunks), f"{ago(one.added_at)} ago", one.source]
        for one in found.documents
    ]
    context.show(found, lambda: columns(titles, rows))
    return Exit.OK


def _remove(context: Context) -> Exit:
    context.mutate("knowledge remove")
    (number,) = _words(context, 1, "Say the number of one document.", "knowledge documents NAME lists them.")
    if not number.isdecimal():
        raise VerbError(Exit.USAGE, f"{number!r} is no number of a document.", "knowledge documents NAME lists them.")
    gone = context.with_backend(lambda client: client.remove_document(int(number)))
    context.show(gone, lambda: f"Removed {plain(gone.title)} ({plain(gone.source)}) from {gone.collection}.")
    return Exit.OK


def _reindex(context: Context) -> Exit:
    context.mutate("knowledge reindex")
    (name,) = _words(context, 1, "Say one collection.", "aistack-console knowledge lists them.")
    done = context.with_backend(lambda client: client.reindex(name))
    model = f"{plain(done.collection.model)} ({done.collection.dimensions})"
    context.show(done, lambda: f"{many(done.computed, 'vector')} of {model} in {done.took:.1f} s.")
    return Exit.OK


def _surplus(context: Context) -> Exit:
    (name,) = _words(context, 1, "Say one collection.", "aistack-console knowledge lists them.")
    found = context.with_backend(lambda client: client.surplus(name))
    rows = [
        [str(one.document.id), one.why.value, one.document.title, one.document.source, one.detail]
        for one in found.surplus
    ]
    empty = f"Nothing in {name} is too much. {plain(found.detail)}".strip()
    titles = ["ID", "WHY", "TITLE", "SOURCE", "REASON"]
    context.show(found, lambda: f"{columns(titles, rows)}\n{plain(found.detail)}".strip() if rows else empty)
    return Exit.OK


def _sweep(context: Context) -> Exit:
    context.mutate("knowledge sweep")
    rest = _words(context, None, "Say a collection and the numbers of documents.", "knowledge surplus NAME lists them.")
    name, numbers = rest[0], rest[1:]
    if not numbers or not all(one.isdecimal() for one in numbers):
        raise VerbError(Exit.USAGE, "Say the numbers of the documents that may go.", f"knowledge surplus {name}")
    done = context.with_backend(lambda client: client.sweep(name, [int(one) for one in numbers]))
    lines = [f"Removed {plain(one.title)} ({plain(one.source)})." for one in done.removed]
    lines += [f"Document {one} stays: it is not too much." for one in done.stayed]
    context.show(done, lambda: "\n".join(lines))
    return Exit.OK if done.removed else Exit.FAILED


def _words(context: Context, count: int | None, detail: str, hint: str) -> list[str]:
    """Return the words after the first, when there are so many of them (None = some)."""
    rest: list[str] = context.arguments.rest
    if (count is None and not rest) or (count is not None and len(rest) != count):
        raise VerbError(Exit.USAGE, detail, hint)
    return rest
