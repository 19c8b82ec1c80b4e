"""What is read as a document, and the one sentence for what is not."""

from __future__ import annotations

import pytest

from aistack_backend.errors import BadInput
from aistack_backend.knowledge.reading import LARGEST, read

PAGE = """<html><head><title>Ports
 of Redis</title><style>p {}</style><script>alert("no")</script></head>
<body><h2>Ports</h2><p>Redis&nbsp;listens on <b>6379</b>.<p>Sentinel &amp; co: 26379<br>end</body>"""


def test_plain_markdown_and_html() -> None:
    assert read(b"\xef\xbb\xbfa\r\nb\rc", "/d/notes.txt").text == "a\nb\nc"
    found = read("# Über Redis #\n\nx".encode(), "https://host/docs/redis.md?raw=1")
    assert (found.title, found.kind) == ("Über Redis", "markdown")
    page = read(PAGE.encode("utf-16"), "redis.html")
    assert page.title == "Ports of Redis"
    assert page.text.replace("\xa0", " ") == "## Ports\n\nRedis listens on 6379.\n\nSentinel & co: 26379\n\nend"
    assert read(b"x", "note:a", title=" given \n title ").title == "given title"
    assert read(b"x", "note:a").title == "note:a"
    assert read(b"<p>x", "a.txt").text == "<p>x"
    assert read(b"<p>x", "a.txt", kind="html").text == "x"


def test_control_characters_are_blanks() -> None:
    assert read(b"a\x1b[31mb\x07", "a.txt").text == "a [31mb "


@pytest.mark.parametrize(
    ("data", "source", "why"),
    [
        (b"", "a.txt", "a.txt has no text."),
        (b" \n\t ", "a.txt", "a.txt has no text."),
        (b"\x1b\x07", "a.txt", "a.txt has no text."),
        (b"<script>x</script>", "a.html", "a.html has no text."),
        (b"%PDF-1.7\n%\xe2\xe3", "a.html", "a.html is a PDF, which is not read."),
        (b"PK\x03\x04...", "a.docx", "a.docx is a ZIP archive or office file, which is not read."),
        (b"\x1f\x8b\x08", "a.gz", "a.gz is gzip data, which is not read."),
        (b"GGUF\x03\0\0\0", "m.gguf", "m.gguf is a model, which is not read."),
        (b"\x7fELF\x02", "a", "a is a program, which is not read."),
        (b"SQLite format 3\0", "a.db", "a.db is a database, which is not read."),
        (b"text\0text", "a.txt", "a.txt is no text: byte 4 of it is zero."),
        ("Grüße".encode("latin-1"), "a.txt", "a.txt is not UTF-8: byte 2 of it fits no character."),
        (b"ok \xed\xa0\x80", "a.txt", "a.txt is not UTF-8: byte 3 of it fits no character."),
        (b"\xff\xfea", "a.txt", "a.txt is not UTF-16: byte 2 of it fits no character."),
        (b"x" * (LARGEST + 1), "a.txt", f"a.txt has {LARGEST + 1} bytes; a document has {LARGEST} at most."),
    ],
    ids=range(15),
)
def test_what_is_not_read(data: bytes, source: str, why: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(data, source)
    assert refused.value.detail == why


def test_an_unknown_kind() -> None:
    with pytest.raises(BadInput, match="word is no kind of document"):
        read(b"x", "a", kind="word")


@pytest.mark.parametrize(
    "part", ["<", "<!--", "<!", "</", "<a ", "<a b='", "&#", "&amp", "<![CDATA[", "<?", "<div>", "<script>"]
)
def test_a_hostile_page_takes_bounded_time(part: str) -> None:
    try:
        read(("hello " + part * (200_000 // len(part))).encode(), "a.html")
    except BadInput as refused:
        assert refused.detail.endswith(".")  # noqa: PT017 - either is right
