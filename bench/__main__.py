"""``python -m bench [NAME…] [OPTION…]``: measure, and print one line a figure."""

from __future__ import annotations

import importlib
import os
import platform
import sys
import time

from aistack_console.errors import ConsoleError

NAMES = (
    *("fresh", "first_frame", "event_latency", "idle", "keys", "follow", "up", "chat", "streaming", "tasks"),
    *("engine", "tracing", "learning", "search"),
)


def main(words: list[str]) -> int:
    """Run the named measurements, or all; 1 when one could not be made. Options go to all that are named."""
    names, options = ([word for word in words if word.startswith("-") is dashed] for dashed in (False, True))
    if unknown := set(names) - set(NAMES):
        print(f"There is no measurement {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    failed = 0
    for name in names or NAMES:
        began = time.monotonic()
        try:
            for figure in importlib.import_module(f"bench.{name}").run(*options):
                print(figure.line(), flush=True)
        except (AssertionError, OSError, RuntimeError, ConsoleError) as error:
            failed = 1
            print(f"{name}: could not be measured: {error}", flush=True)
        load = " ".join(f"{value:.2f}" for value in os.getloadavg())
        print(f"  ({name}: {time.monotonic() - began:.0f} s; load average {load})", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
