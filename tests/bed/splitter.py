"""Split a real GGUF file into parts, as llama.cpp's own splitter does: the first has the header, each has tensors."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

U16, U32, I32, TEXT, LIST = 2, 4, 5, 8, 9
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
ALIGN = 32


def _number(file: BytesIO, code: str) -> int:
    return int(struct.unpack("<" + code, file.read(struct.calcsize("<" + code)))[0])


def _skip(file: BytesIO, kind: int) -> None:
    if kind == TEXT:
        file.seek(_number(file, "Q"), 1)
    elif kind == LIST:
        inner, count = _number(file, "I"), _number(file, "Q")
        if inner in SIZES:
            file.seek(SIZES[inner] * count, 1)
        else:
            for _ in range(count):
                _skip(file, inner)
    else:
        file.seek(SIZES[kind], 1)


def _key(name: str, kind: int, code: str, value: int) -> bytes:
    return struct.pack("<Q", len(name)) + name.encode() + struct.pack(f"<I{code}", kind, value)


def split(whole: Path, folder: Path, count: int) -> Path:
    """Write the parts of ``whole`` into ``folder``; return the first."""
    data = whole.read_bytes()
    file = BytesIO(data)
    file.seek(8)
    tensors, keys = _number(file, "Q"), _number(file, "Q")
    begin = file.tell()
    for _ in range(keys):
        file.seek(_number(file, "Q"), 1)
        _skip(file, _number(file, "I"))
    header = data[begin : file.tell()]
    infos = []
    for _ in range(tensors):
        start = file.tell()
        file.seek(_number(file, "Q"), 1)
        file.seek(8 * _number(file, "I") + 4, 1)
        named = data[start : file.tell()]
        infos.append((_number(file, "Q"), named))
    base = -(-file.tell() // ALIGN) * ALIGN
    ends = [*sorted(offset for offset, _ in infos)[1:], len(data) - base]
    sized = [(base + offset, base + end, named) for (offset, named), end in zip(sorted(infos), ends, strict=True)]
    each = -(-tensors // count)
    paths = [folder / f"{whole.stem}-{number:05}-of-{count:05}.gguf" for number in range(1, count + 1)]
    for number, path in enumerate(paths):
        mine = sized[number * each : (number + 1) * each]
        said = _key("split.no", U16, "H", number) + _key("split.count", U16, "H", count)
        said += _key("split.tensors.count", I32, "i", tensors)
        path.write_bytes(_part(data, mine, (header if number == 0 else b"") + said, (keys if number == 0 else 0) + 3))
    return paths[0]


def _part(data: bytes, mine: list[tuple[int, int, bytes]], header: bytes, keys: int) -> bytes:
    infos, body = b"", b""
    for begin, end, named in mine:
        infos += named + struct.pack("<Q", len(body))
        body += data[begin:end] + b"\0" * (-(end - begin) % ALIGN)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(mine), keys) + header + infos
    return head + b"\0" * (-len(head) % ALIGN) + body
