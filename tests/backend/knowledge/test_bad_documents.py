"""Forty bad documents among good ones: each is one sentence, in bounded time, and nothing of the good ones is lost."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pickle
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.backend.knowledge.conftest import Shelf
from tests.backend.knowledge.test_imports import asked, tool
from tests.bed import pdfs
from tests.bed.gits import Origin

from aistack_backend.knowledge.reading import LARGEST
from aistack_backend.wire.imports import ImportKind


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        made.addfile(tarfile.TarInfo("a.txt"))
    return out.getvalue()


ZEROS = bytes(1 << 20)
BAD: dict[str, Callable[[], bytes]] = {
    # empty, or only looking like something
    "empty.txt": lambda: b"",
    "blank.md": lambda: b" \n\t\r\n \xc2\xa0\n",
    "mark-only.txt": lambda: b"\xef\xbb\xbf",
    "controls.txt": lambda: b"\x1b\x07\x08\x0e" * 100,
    "script-only.html": lambda: b"<script>" + b"alert(1);" * 1000 + b"</script>",
    "style-only.html": lambda: b"<style>p { color: red }</style>",
    "comment-only.html": lambda: b"<!-- " + b"x" * 100_000,
    "unclosed-script.html": lambda: b"<script>while (true) {}",
    "tags-only.html": lambda: b"<div>" * 100_000,
    # huge
    "huge.txt": lambda: b"x" * (LARGEST + 1),
    # in another encoding, or broken
    "latin.txt": lambda: "Grüße aus Köln".encode("latin-1"),
    "cp1252.txt": lambda: "“quoted”".encode("cp1252"),
    "shift-jis.txt": lambda: "日本語".encode("shift_jis"),
    "utf16-unmarked.txt": lambda: "hello".encode("utf-16-le"),
    "utf16-odd.txt": lambda: b"\xff\xfea",
    "utf32.txt": lambda: "hello".encode("utf-32"),
    "utf8-cut.txt": lambda: "größe".encode()[:3],
    "utf8-surrogate.txt": lambda: b"ok \xed\xa0\x80",
    "utf8-overlong.txt": lambda: b"ok \xc0\xaf",
    # binary
    "zero.txt": lambda: b"text\0text",
    "noise.txt": lambda: b"\xfe" + os.urandom(1000),
    "program": lambda: b"\x7fELF\x02\x01\x01" + bytes(100),
    "model.gguf": lambda: b"GGUF\x03\0\0\0",
    "data.db": lambda: b"SQLite format 3\0" + bytes(100),
    "picture.png": lambda: b"\x89PNG\r\n\x1a\n" + bytes(50),
    "photo.jpg": lambda: b"\xff\xd8\xff\xe0" + bytes(50),
    "pickled.txt": lambda: pickle.dumps({"a": [1, 2]}, protocol=4),
    # packed, and bombs
    "archive.zip": lambda: zipped(a=b"hello"),
    "letter.docx": lambda: zipped(**{"word/document.xml": b"<w:t>hello</w:t>"}),
    "bomb.zip": lambda: zipped(**{f"z{at}": zipped(a=ZEROS, b=ZEROS) for at in range(8)}),
    "bomb.gz": lambda: gzip.compress(gzip.compress(ZEROS * 4)),
    "packed.xz": lambda: lzma.compress(ZEROS),
    "packed.bz2": lambda: bz2.compress(ZEROS),
    "archive.tar": tarred,
    # PDFs
    "cut.pdf": lambda: pdfs.pdf("hello")[:60],
    "noise.pdf": lambda: b"%PDF-1.4\n" + os.urandom(2000),
    "no-pdf.pdf": lambda: b"<html>no",
    "encrypted.pdf": lambda: pdfs.encrypted("w0rd"),
    "scanned.pdf": lambda: pdfs.pdf("", content=b"q 612 0 0 792 0 0 cm Q"),
    "round.pdf": pdfs.round_pages,
    "nested.pdf": lambda: pdfs.nested(50_000),
    "no-pages.pdf": lambda: pdfs.written([b"<< /Type /Catalog >>"]),
}
GOOD: dict[str, bytes] = {
    "good.md": b"# Redis\n\nIt listens on 6379.",
    "good.pdf": pdfs.pdf("Sentinel listens on 26379."),
    # what is only hostile is read for what it says
    "billion-laughs.xhtml": b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><p>laughs &b;</p>',
    "deep.html": b"<div>" * 50_000 + b"deepest",
    "brackets.html": b"quadratic " + b"<" * 200_000,
    "entities.html": b"named " + b"&#" * 50_000,
    "one-line.txt": b"longest " + b"word" * 100_000,
    "escapes.txt": b"plain \x1b]0;title\x07\x1b[31mred",
    "directions.txt": "turned \u202etxet".encode(),
    "links.md": b"[click](javascript:alert(1)) ![x](file:///etc/passwd) clickable",
}
WORDS = {
    "good.md": "6379",
    "good.pdf": "26379",
    "deep.html": "deepest",
    "escapes.txt": "plain",
    "links.md": "clickable",
}


@pytest.mark.parametrize("shelf", ["sqlite"], indirect=True)
async def test_forty_bad_documents_are_forty_sentences_and_nothing_is_lost(shelf: Shelf, tmp_path: Path) -> None:
    assert len(BAD) >= 40
    await shelf.knowledge.add("docs", b"It was here before.", "note:before", "operator:t")
    origin = Origin(tmp_path / "origin")
    for name, make in BAD.items():
        (origin.folder / name).write_bytes(make())
    for name, data in GOOD.items():
        (origin.folder / name).write_bytes(data)
    commit = origin.commit()
    began = time.monotonic()
    done = await tool(shelf, tmp_path).run("k", asked(str(origin.folder), kind=ImportKind.GIT))
    took = time.monotonic() - began
    assert done.ok, done.text
    assert done.text.startswith(f"{len(GOOD)} added, 0 replaced, 0 unchanged, {len(BAD)} not read; ")
    told = {line.partition(": ")[0]: line.partition(": ")[2] for line in done.text.splitlines()}
    for name in BAD:
        assert told[name].endswith("."), (name, told[name])
        assert len(told[name]) <= 300
    assert set(told) & set(GOOD) == set()
    kept = {one.source for one in shelf.knowledge.documents("docs")}
    assert kept == {"note:before", *(f"{origin.folder}@{commit}:{name}" for name in GOOD)}
    for name, word in WORDS.items():
        found = await shelf.search.find(word, ["docs"], 20)
        assert f"{origin.folder}@{commit}:{name}" in {hit.source for hit in found.hits}, name
    print(f"{len(BAD)} bad and {len(GOOD)} good documents in {took:.1f} s")
    print("\n".join(f"{name}: {told[name]}" for name in BAD))


@pytest.mark.parametrize("shelf", ["sqlite"], indirect=True)
async def test_a_file_that_went_bad_leaves_the_good_one(shelf: Shelf) -> None:
    await shelf.knowledge.add("docs", b"good words", "/d/a.txt", "operator:t")
    for name in ("latin.txt", "zero.txt", "empty.txt", "archive.zip"):
        with pytest.raises(Exception, match=r"a\.txt"):
            await shelf.knowledge.add("docs", BAD[name](), "/d/a.txt", "operator:t")
    (hit,) = (await shelf.search.find("words", ["docs"])).hits
    assert hit.text == "good words"
