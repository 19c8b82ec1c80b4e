"""Who has connections open to a service now, read from the kernel's tables of its network: no traffic, no password."""

from __future__ import annotations

import ipaddress
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from aistack_backend.containers.ladder.listeners import TABLES, parse

ESTABLISHED = "01"
"""The kernel's number of the state ESTABLISHED."""
LARGEST = 4 << 20
"""Bytes of a table that are read: some 28,000 connections."""


def of_process(pid: int, proc: Path = Path("/proc")) -> Mapping[str, int] | None:
    """Return how many connections each address holds open to what the process's network listens on.

    None when that cannot be known here: the process is not to be seen, its network is this machine's own, or the
    table is too long.
    """
    try:
        if (proc / str(pid) / "ns/net").stat().st_ino == (proc / "self/ns/net").stat().st_ino:
            return None
    except OSError:
        return None
    texts = []
    for table in TABLES:
        try:
            with (proc / str(pid) / "net" / table).open() as opened:
                text = opened.read(LARGEST + 1)
        except OSError:
            continue  # no IPv6 in this kernel: no tcp6
        if len(text) > LARGEST:
            return None
        texts.append(text)
    return peers("".join(texts)) if texts else None


def peers(text: str) -> Mapping[str, int]:
    """Return the open connections of the tables by who began them: those to a port that is listened on."""
    ports = set(parse(text))
    return Counter(address for port, address in _open(text) if port in ports)


def _open(text: str) -> Iterator[tuple[int, str]]:
    for line in text.splitlines():
        words = line.split()
        if len(words) > 3 and words[3] == ESTABLISHED and ":" in words[1] and ":" in words[2]:
            yield int(words[1].rpartition(":")[2], 16), address(words[2].rpartition(":")[0])


def address(word: str) -> str:
    """Return an address as people write it; the tables write each 32 bits as this machine's own number."""
    raw = b"".join(int(word[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(word), 8))
    found = ipaddress.ip_address(raw)
    return str((isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped) or found)
