"""PDFs, good and bad, made here byte by byte."""

from __future__ import annotations

import io
import zlib

from pypdf import PdfReader, PdfWriter


def written(objects: list[bytes], trailer: bytes = b"/Root 1 0 R") -> bytes:
    """A file of these objects, numbered from 1, with its table."""
    out, places = io.BytesIO(), []
    out.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    for number, one in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, one))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    for place in places:
        out.write(b"%010d 00000 n \n" % place)
    out.write(b"trailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start))
    return out.getvalue()


def stream(data: bytes, more: bytes = b"") -> bytes:
    """A stream, packed."""
    packed = zlib.compress(data, 9)
    return b"<< /Length %d /Filter /FlateDecode %s >>\nstream\n%s\nendstream" % (len(packed), more, packed)


def shown(text: str) -> bytes:
    """What draws lines of text."""
    lines = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").split("\n")
    return b"BT /F1 12 Tf 72 720 Td 14 TL " + b" ".join(f"({line}) Tj T*".encode("latin-1") for line in lines) + b" ET"


def pdf(*pages: str, title: str = "", content: bytes | None = None) -> bytes:
    """A file with these pages; ``content`` is what each draws instead."""
    kids = b" ".join(b"%d 0 R" % (4 + 2 * at) for at in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(pages), kids),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for at, text in enumerate(pages):
        page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R" % (5 + 2 * at)
        objects.append(page + b" /Resources << /Font << /F1 3 0 R >> >> >>")
        objects.append(stream(shown(text) if content is None else content))
    if not title:
        return written(objects)
    objects.append(b"<< /Title (%s) >>" % title.encode("latin-1"))
    return written(objects, b"/Root 1 0 R /Info %d 0 R" % len(objects))


def encrypted(password: str) -> bytes:
    """A good file behind a password."""
    writer, out = PdfWriter(), io.BytesIO()
    writer.append(PdfReader(io.BytesIO(pdf("secret words"))))
    writer.encrypt(password, algorithm="AES-256")
    writer.write(out)
    return out.getvalue()


def round_pages() -> bytes:
    """Pages that are their own children."""
    return written([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 1 /Kids [2 0 R] /Parent 2 0 R >>"])


def nested(depth: int) -> bytes:
    """An array in an array in an array."""
    return written([b"<< /Type /Catalog /Pages 2 0 R /X %s >>" % (b"[" * depth + b"]" * depth), b"<< >>"])


def round_tables() -> bytes:
    """A table of places whose forerunner is itself."""
    good = pdf("words")
    at = good.rindex(b"startxref\n") + 10
    start = int(good[at:].split()[0])
    return good.replace(b"/Root 1 0 R", b"/Prev %d /Root 1 0 R" % start)
