"""What a verb's exit code means. These numbers are stable: scripts rely on them."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of every verb."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NO_BACKEND = 3
    NOT_ALLOWED = 4
    TIMEOUT = 5
    INTERRUPTED = 130


MEANING = {
    Exit.OK: "done",
    Exit.FAILED: "failed, denied, or what was checked is not right: a service not ready, a plan that would fail",
    Exit.USAGE: "wrong usage, or a config file that cannot be used",
    Exit.NO_BACKEND: "no backend answers and none could be started",
    Exit.NOT_ALLOWED: "the gate says no, or it was not confirmed",
    Exit.TIMEOUT: "it did not end in the time given; what was begun goes on",
    Exit.INTERRUPTED: "interrupted by Ctrl+C",
}
"""One sentence a code, as ``--help`` and ``docs/cli.md`` print it."""
