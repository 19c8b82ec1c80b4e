"""Verbs that must work with no backend are the backend's own program: this runs it in our place."""

from __future__ import annotations

import os
import sys

from aistack_console.client import launch
from aistack_console.verbs.context import Context, VerbError
from aistack_console.verbs.exits import Exit


def become(context: Context, *words: str) -> Exit:
    """Replace this process by ``aistack-backend WORDS --data-dir DIR``; its exit code is ours.

    Raises:
        VerbError: it cannot be started.
    """
    serve = launch.command(context.options.data_dir)
    program = serve[: serve.index("serve")]
    line = (*program, *words, "--data-dir", str(context.options.data_dir))
    sys.stdout.flush()
    try:
        os.execvp(line[0], line)  # noqa: S606 - no shell is wanted
    except OSError as error:
        raise VerbError(Exit.FAILED, f"{line[0]} cannot be run: {error.strerror}.") from error
