"""``python -m aistack_backend``."""

from __future__ import annotations

import sys

from aistack_backend.cli import main

if __name__ == "__main__":
    sys.exit(main())
