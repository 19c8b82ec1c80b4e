"""Says whether the tests that just failed get a second look: few did, and pytest remembers which.

python scripts/second_look.py MOST CACHE: prints the failed tests, one a line; exits 0 if there are 1 to MOST, else 1.
A test that passes only then is a defect to mend, in itself or in what it tests; scripts/test.sh says so at the end.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

REMEMBERED = "v/cache/lastfailed"
"""Where pytest keeps their names in its cache folder."""


def failed(remembered: Path) -> list[str]:
    """Return the names of the tests that failed when pytest ran last; none when it remembers none."""
    try:
        return sorted(json.loads(remembered.read_text()))
    except (OSError, ValueError):
        return []


def main(most: int, cache: Path) -> int:
    """Print what failed; return the exit code."""
    names = failed(cache / REMEMBERED)
    print("\n".join(names))
    return 0 if 1 <= len(names) <= most and all("::" in name for name in names) else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2])))
