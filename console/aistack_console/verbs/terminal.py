"""``reset-terminal``: undo what a crashed full-screen program leaves behind."""

from __future__ import annotations

import subprocess
import sys

from aistack_console.verbs.context import Context, VerbError
from aistack_console.verbs.exits import Exit

MODES_OFF = (1000, 1002, 1003, 1004, 1006, 1015, 2004, 2026, 2048)
"""Mouse reports, focus reports, bracketed paste, synchronised output, resize reports."""
SEQUENCE = "".join(f"\x1b[?{mode}l" for mode in MODES_OFF) + "\x1b[<u" + "\x1b[?1049l\x1b[?25h\x1b[?7h\x1b[0m\x1b(B"
"""Also: keyboard protocol popped, main screen, cursor shown, wrapping on, no attributes, ASCII set."""


def run(context: Context) -> Exit:
    """Write the sequence to the terminal and make its line mode sane.

    Raises:
        VerbError: stdout is no terminal.
    """
    if not sys.stdout.isatty():
        raise VerbError(Exit.USAGE, "This is no terminal: run it in the one that is to be mended.")
    sys.stdout.write(SEQUENCE)
    sys.stdout.flush()
    if sys.stdin.isatty():
        subprocess.run(["stty", "sane"], check=False, stdin=sys.stdin)
    return Exit.OK
