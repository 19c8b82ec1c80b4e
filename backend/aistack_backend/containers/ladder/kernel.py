"""What the kernel's log says of processes that it killed for want of memory."""

from __future__ import annotations

import os
import time
from pathlib import Path

LOG = Path("/dev/kmsg")
KILL = "oom-kill:"
RECORD = 8192
"""More than a record of the log can hold."""


class KernelLog:
    """Reads ``/dev/kmsg``, which takes a privilege on most hosts."""

    def __init__(self, path: Path = LOG) -> None:
        self._path = path

    def memory_kill(self, container: str, since: float) -> bool | None:
        """Tell whether the kernel killed a process of a container (full id) after ``since`` (epoch seconds) because
        its memory limit was reached; None = the log cannot be read here."""
        try:
            records = self._records()
        except OSError:
            return None
        began = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
        for record in records:
            head, _, text = record.partition(";")
            if KILL in text and container in text.partition("oom_memcg=")[2]:
                stamp = head.split(",")[2] if head.count(",") > 1 else ""
                if not stamp.isdigit() or began + int(stamp) / 1e6 >= since - 1:
                    return True
        return False

    def _records(self) -> list[str]:
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        records = []
        try:
            while record := self._next(descriptor):
                records.append(record)
        finally:
            os.close(descriptor)
        return records

    def _next(self, descriptor: int) -> str:
        while True:
            try:
                return os.read(descriptor, RECORD).decode("utf-8", "replace")
            except BlockingIOError:
                return ""  # the end of the log
            except BrokenPipeError:
                continue  # the record was overwritten while we read: the next one follows
