"""A fresh clone with nothing installed: ``make run`` to the first useful frame, stage by stage."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.bed.backend import ROOT, House
from tests.bed.terminal import Terminal

from bench.figures import Figure

STAGE = re.compile(r"setup: ([\w -]+?) +(\d+) ms")


def run() -> list[Figure]:
    """Clone what is committed, make it run, and read what its setup says about itself."""
    folder = Path(tempfile.mkdtemp(prefix="ai-", dir="/tmp"))
    home = House(folder)
    try:
        subprocess.run(["git", "clone", "-q", str(ROOT), str(folder / "clone")], check=True, timeout=60)
        began = time.monotonic()
        with Terminal(["make", "-C", str(folder / "clone"), "run"], home.env, 120, 40) as console:
            console.wait_for("HOST", 300)
            took = time.monotonic() - began
            stages = STAGE.findall(bytes(console.raw).decode(errors="replace"))
    finally:
        home.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return [
        Figure(name="fresh clone: make run to the first useful frame", value=took, unit="s"),
        *(Figure(name=f"fresh clone: {name}", value=int(value) / 1000, unit="s") for name, value in stages),
    ]
