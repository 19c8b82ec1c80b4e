"""``python -m aistack_console``: the same as the command."""

from __future__ import annotations

import sys

from aistack_console.cli import main

if __name__ == "__main__":
    sys.exit(main())
