"""Who has connections open to a service now, read from the kernel's tables of its network: no traffic, no password."""

from __future__ import annotations

import ipaddress
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from itertools import pairwise
from pathlib import Path

from aistack_backend.containers.ladder.listeners import TABLES, parse

ESTABLISHED = "01"
"""The kernel's number of the state ESTABLISHED."""
LARGEST = 4 << 20
"""Bytes of a table that are read: some 28,000 connections."""


def of_process(pid: int, own: Set[str], proc: Path = Path("/proc")) -> Mapping[str, int] | None:
    """Return how many connections each address holds open to what the process's network listens on.

    None when that cannot be known here: the process is not to be seen, its network has none of the container's
    ``own`` addresses (the number belongs to another process, or to another machine's), or a table is too long.
    """
    folder = proc / str(pid) / "net"
    try:
        if own.isdisjoint(_local(_read(folder / "fib_trie"))):
            return None
        tables = "".join(_read(folder / table) for table in TABLES if (folder / table).exists())
    except (OSError, ValueError):
        return None
    return peers(tables)


def _read(path: Path) -> str:
    with path.open() as opened:
        text = opened.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise ValueError("too long")
    return text


def _local(text: str) -> set[str]:
    """Return the IPv4 addresses that a network has itself."""
    lines = [line.strip() for line in text.splitlines()]
    return {before[4:] for before, line in pairwise(lines) if line == "/32 host LOCAL" and before.startswith("|-- ")}


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
