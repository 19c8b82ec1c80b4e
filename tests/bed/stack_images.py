"""The images that stand in the places of the stack's own, as ``scripts/testbed.sh env`` names them."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def variables() -> dict[str, str]:
    """Return the lines for AI_STACK_ENV_FILE: variable → image."""
    said = subprocess.run([ROOT / "scripts/testbed.sh", "env"], capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in said.splitlines())


def image(service: str) -> str:
    """Return the image of a service; every role of ours is ``aistack``."""
    return variables()[f"AISTACK_IMAGE_{service.upper().replace('-', '_')}"]
