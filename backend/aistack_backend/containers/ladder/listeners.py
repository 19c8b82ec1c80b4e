"""Which TCP ports the processes of a network namespace listen on, read from the kernel's tables: no traffic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

LISTEN = "0A"
"""The kernel's number of the state LISTEN."""
LOOPBACK = ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")
"""127.0.0.1, ::1 and ::ffff:127.0.0.1 as the tables of a little-endian machine write them."""
TABLES = ("tcp", "tcp6")


def parse(text: str) -> Mapping[int, bool]:
    """Return the ports of one or both tables; the value says that only the loopback address is bound."""
    found: dict[int, bool] = {}
    for address, port in _rows(text):
        found[port] = found.get(port, True) and address in LOOPBACK
    return found


def of_process(pid: int, proc: Path = Path("/proc")) -> frozenset[int] | None:
    """Return the ports that the network namespace of a process listens on; None when it cannot be read here."""
    texts = []
    for table in TABLES:
        try:
            texts.append((proc / str(pid) / "net" / table).read_text())
        except OSError:
            continue  # no IPv6 in this kernel: no tcp6
    return frozenset(parse("".join(texts))) if texts else None


def _rows(text: str) -> Iterator[tuple[str, int]]:
    for line in text.splitlines():
        words = line.split()
        if len(words) > 3 and words[3] == LISTEN and ":" in words[1]:
            address, _, port = words[1].rpartition(":")
            yield address, int(port, 16)
