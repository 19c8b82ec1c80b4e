"""A PDF is read page by page in a child with limits; what makes the reader stumble is one sentence, in bounded time."""

from __future__ import annotations

import time

import pytest
from tests.bed import pdfs

from aistack_backend.errors import BadInput
from aistack_backend.knowledge import chunking
from aistack_backend.knowledge.confine import Bounds
from aistack_backend.knowledge.pdf import text_of
from aistack_backend.knowledge.reading import read


def test_pages_stand_under_their_numbers_and_citations_name_them() -> None:
    data = pdfs.pdf("Redis listens on 6379.\nSentinel on 26379.", "", "# no heading\n``` no fence", title="Ports (1)")
    found = read(data, "/d/ports.pdf")
    assert (found.title, found.kind) == ("Ports (1)", "pdf")
    assert found.text.startswith("## Page 1\n\nRedis listens on 6379.\nSentinel on 26379.")
    pieces = chunking.split(found.text)
    assert [one.heading for one in pieces if "heading" in one.text or "6379" in one.text] == ["Page 1", "Page 3"]
    assert read(pdfs.pdf("x"), "https://h/a.pdf?x=1").title == "a.pdf"
    assert read(pdfs.pdf("x"), "https://h/download").kind == "pdf"
    assert "secret words" in read(pdfs.encrypted(""), "a.pdf").text


BOMB = b" " * 150_000_000
PICTURE = b"q 612 0 0 792 0 0 cm Q"
BAD = {
    "encrypted": (lambda: pdfs.encrypted("w0rd"), "a.pdf is encrypted."),
    "scanned": (lambda: pdfs.pdf("", "", content=PICTURE), "a.pdf has no text: its 2 pages are pictures"),
    "only its beginning": (lambda: b"%PDF-1.7\n%\xe2\xe3", "a.pdf is a broken PDF"),
    "noise": (lambda: b"%PDF-1.7\n" + bytes(range(256)) * 200, "a.pdf is a broken PDF"),
    "no pages": (lambda: pdfs.written([b"<< /Type /Catalog >>"]), "a.pdf (is a broken PDF|has no text)"),
    "its own child": (pdfs.round_pages, "a.pdf (is a broken PDF|is nested too deeply|has no text)"),
    "nested": (lambda: pdfs.nested(100_000), "a.pdf (is nested too deeply|is a broken PDF|has no text)"),
    "a bomb": (lambda: pdfs.pdf("x", content=BOMB), "a.pdf (needs more memory|is a broken PDF|took longer|has no)"),
    "no PDF": (lambda: b"hello", "a.pdf is no PDF: it does not begin as one."),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_one_is_one_sentence(what: str) -> None:
    make, why = BAD[what]
    data, began = make(), time.monotonic()
    with pytest.raises(BadInput, match=why) as refused:
        read(data, "a.pdf")
    print(f"{what}: {time.monotonic() - began:.1f} s: {refused.value.detail}")
    assert refused.value.detail.endswith(".")
    assert "\n" not in refused.value.detail


def test_a_cut_one_gives_its_text_or_a_sentence_and_a_round_one_ends() -> None:
    whole = pdfs.pdf(*[f"page number {at}" for at in range(20)])
    for data in (whole[: len(whole) * 2 // 3], pdfs.round_tables(), whole + b"junk" * 1000):
        try:
            assert "page number" in read(data, "a.pdf").text or "words" in read(data, "a.pdf").text
        except BadInput as refused:
            assert refused.detail.endswith(".")  # noqa: PT017 - either is right


def test_the_bounds_hold() -> None:
    with pytest.raises(BadInput, match=r"took longer to read than 0\.01 s"):
        text_of(pdfs.pdf("x"), "a.pdf", Bounds(seconds=0.01, memory=768 << 20, file=0))
    with pytest.raises(BadInput, match=r"needs more memory|cannot be read|is a broken PDF"):
        text_of(pdfs.pdf("x"), "a.pdf", Bounds(seconds=30, memory=40 << 20, file=0))
