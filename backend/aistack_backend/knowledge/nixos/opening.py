"""Bytes as they came, plain or packed (gzip, xz, brotli), within a bound: what unpacks to more is refused, not read."""

from __future__ import annotations

import gzip
import io
import lzma
import zlib

from aistack_backend.errors import BadInput

LARGEST = 512 << 20
"""Bytes of a file, once unpacked: the packages of one channel are some 150 MB."""


def opened(data: bytes, name: str, most: int = LARGEST) -> bytes:
    """Return the plain bytes; ``name`` says brotli by its ending ``.br``, the others are known by how they begin.

    Raises:
        BadInput: it is damaged, or unpacks to more than ``most``.
    """
    try:
        if data.startswith(b"\x1f\x8b"):
            return _gzip(data, name, most)
        if data.startswith(b"\xfd7zXZ\0"):
            return _xz(data, name, most)
        if name.partition("?")[0].endswith(".br"):
            return _brotli(data, name, most)
    except (zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        raise BadInput(f"{name} cannot be unpacked: {error}.", "Fetch it again.") from error
    if len(data) > most:
        raise BadInput(_over(name, most))
    return data


def _gzip(data: bytes, name: str, most: int) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        made = file.read(most + 1)
    if len(made) > most:
        raise BadInput(_over(name, most))
    return made


def _xz(data: bytes, name: str, most: int) -> bytes:
    unpack = lzma.LZMADecompressor(memlimit=256 << 20)
    made = unpack.decompress(data, max_length=most + 1)
    if len(made) > most:
        raise BadInput(_over(name, most))
    if not unpack.eof or unpack.unused_data:
        raise BadInput(f"{name} ends too early, or is more than one.", "Fetch it again.")
    return made


def _brotli(data: bytes, name: str, most: int) -> bytes:
    import brotli

    if data[:1] in (b"{", b"["):
        return data  # whoever sent it has unpacked it
    unpack, made, left = brotli.Decompressor(), bytearray(), data
    try:
        while not unpack.is_finished():
            block = unpack.process(left, output_buffer_limit=1 << 22)
            left = b""
            made += block
            if len(made) > most:
                raise BadInput(_over(name, most))
            if not block and unpack.can_accept_more_data():
                raise BadInput(f"{name} ends too early.", "Fetch it again.")
    except brotli.error as error:
        raise BadInput(f"{name} cannot be unpacked: {error}.", "Fetch it again.") from error
    return bytes(made)


def _over(name: str, most: int) -> str:
    return f"{name} has more than {most} bytes once unpacked."
