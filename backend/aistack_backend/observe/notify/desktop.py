"""The desktop of whoever started the backend, by notify-send."""

from __future__ import annotations

import shutil
import subprocess

from aistack_backend.observe.notify.models import Alarm, News

PROGRAM = "notify-send"
WITHIN = 5.0
"""Seconds that the program may take."""


class Desktop:
    """Shows our own sentence as a notification."""

    name = "desktop"

    def tell(self, news: News | Alarm) -> str:
        """Run notify-send; its own words are told when it fails."""
        program = shutil.which(PROGRAM)
        if program is None:
            return f"There is no {PROGRAM} on this machine."
        argv = [program, "--app-name=aistack", "--urgency=normal", "aistack needs you", news.sentence]
        try:
            done = subprocess.run(argv, capture_output=True, timeout=WITHIN, check=False, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{PROGRAM} did not do it ({type(error).__name__})."
        if done.returncode == 0:
            return ""
        said = done.stderr.decode(errors="replace").strip().split("\n", 1)[0][:200]
        return f"{PROGRAM} ended with {done.returncode}: {said or 'no word'}"
