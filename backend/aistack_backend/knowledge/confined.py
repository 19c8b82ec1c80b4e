"""A program's first step: take limits on, give rights up, and become the program. Run by path, with nothing of ours.

``python -I -S confined.py CPU_SECONDS MEMORY_BYTES FILE_BYTES PROGRAM WORD…``
"""

import ctypes
import os
import resource
import sys

NO_NEW_PRIVILEGES, DIE_WITH_PARENT, KILL = 38, 1, 9
"""``prctl``'s numbers."""


def main(words: list[str]) -> None:
    """Take the limits, and become the program."""
    cpu, memory, file = (int(word) for word in words[:3])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file, file))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    for option, value in ((NO_NEW_PRIVILEGES, 1), (DIE_WITH_PARENT, KILL)):
        if prctl(option, value, 0, 0, 0):
            raise OSError(ctypes.get_errno(), f"prctl {option}")
    os.execvp(words[3], words[3:])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
