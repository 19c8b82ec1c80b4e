"""The body of an answer as it was packed for the way, unpacked within a bound: a small answer can be made to grow."""

from __future__ import annotations

import zlib

from aistack_backend.errors import Unavailable

PACKED = frozenset({"gzip", "x-gzip", "deflate", "br"})
"""What can be unpacked; a server is asked for gzip alone, and may send what it wants."""


def unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """Return at most ``most`` + 1 bytes of the body; ``encoding`` is the answer's ``Content-Encoding``.

    Raises:
        Unavailable: it is packed in another way, or damaged.
    """
    way = encoding.strip().lower()
    if way in ("", "identity"):
        return body
    if way not in PACKED:
        raise Unavailable(f"The answer is packed as {way[:40]!r}, which is not read.")
    try:
        if way == "br":
            return _brotli(body, most)
        bare = way == "deflate" and body[:1] != b"\x78"
        unpack = zlib.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS | 32)
        made = unpack.decompress(body, most + 1)
        return _whole(made, unpack.eof, most)
    except (zlib.error, ValueError) as error:
        raise Unavailable(f"The answer cannot be unpacked: {error}.") from error


def _brotli(body: bytes, most: int) -> bytes:
    import brotli

    unpack, made, left = brotli.Decompressor(), bytearray(), body
    try:
        while not unpack.is_finished() and len(made) <= most:
            block = unpack.process(left, output_buffer_limit=min(1 << 22, most + 1))
            left = b""
            made += block
            if not block and unpack.can_accept_more_data():
                break
    except brotli.error as error:
        raise ValueError(str(error)) from error
    return _whole(bytes(made[: most + 1]), unpack.is_finished(), most)


def _whole(made: bytes, ended: bool, most: int) -> bytes:
    if not ended and len(made) <= most:
        raise ValueError("it ends too early")
    return made
