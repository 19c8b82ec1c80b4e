"""The agent ``rules``: a program of the sandbox that repairs Python by trying small changes, without any model.

It runs the check, then tries changes of one line each (another operator, a number one higher or lower, another
comparison, ``and`` for ``or`` …) in the files outside the checks, those that the last failure names first. It keeps
the one change after which the fewest tests fail, and ends with 0; with 2 when no change helps. Nothing else: it cannot
write new code. It is started as ``python3 /loop/fixer.py`` in the workspace and needs only the standard library.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

TOLD = Path("/loop")
SWAPS = (
    ("==", "!="),
    ("<=", "<"),
    (">=", ">"),
    (" < ", " <= "),
    (" > ", " >= "),
    (" < ", " > "),
    (" + ", " - "),
    (" - ", " + "),
    (" * ", " / "),
    (" // ", " / "),
    (" / ", " // "),
    (" and ", " or "),
    (" or ", " and "),
    ("True", "False"),
    ("False", "True"),
    (" is not ", " is "),
    (" not in ", " in "),
    ("min(", "max("),
    ("max(", "min("),
)
MOST = 400
"""Changes that are tried in one pass."""
WORST = 1_000_000


def failures(code: int, output: str) -> int:
    """Return how many tests fail, by what unittest or pytest says; ``WORST`` when the check broke otherwise."""
    if code == 0:
        return 0
    counted = [int(number) for number in re.findall(r"(?:failures|errors)=(\d+)", output)]
    counted += [int(number) for number in re.findall(r"(\d+) (?:failed|error)", output)]
    return sum(counted) or WORST


def checked(root: Path, proof: str) -> tuple[int, str]:
    """Run the check in a folder; return how many tests fail, and its output. No byte code is kept: two changes of the
    same length within one second would be taken for one."""
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", proof], cwd=root, env=env, capture_output=True, text=True, check=False, timeout=20
        )
    except subprocess.TimeoutExpired:
        return WORST, "it did not end within 20 s"
    output = done.stdout + done.stderr
    return failures(done.returncode, output), output


def changes(line: str) -> Iterator[str]:
    """Yield what a line could be after one small change."""
    for old, new in SWAPS:
        at = line.find(old)
        while at >= 0:
            yield line[:at] + new + line[at + len(old) :]
            at = line.find(old, at + 1)
    for found in re.finditer(r"\b\d+\b", line):
        for number in (int(found[0]) + 1, int(found[0]) - 1):
            if number >= 0:
                yield line[: found.start()] + str(number) + line[found.end() :]


def files(root: Path, output: str, checks: list[str]) -> list[Path]:
    """Return the Python files that may be changed, those named by the failure first."""
    found = [path for path in sorted(root.rglob("*.py")) if path.is_file() and not path.is_symlink()]
    free = [p for p in found if not any(_under(p.relative_to(root).as_posix(), check) for check in checks)]
    return sorted(free, key=lambda path: (path.name not in output, path.stem not in output))


def _under(path: str, check: str) -> bool:
    return path == check or path.startswith(check + "/")


def best(root: Path, proof: str, checks: list[str]) -> tuple[int, int, Path, str, str]:
    """Try changes on a copy; return failures before and after, and the file with its text and what was changed."""
    before, output = checked(root, proof)
    found = (before, before, root, "", "")
    tried = 0
    for path in files(root, output, checks) if before else ():
        text = path.read_text()
        lines = text.splitlines(keepends=True)
        for number, line in enumerate(lines):
            for changed in changes(line) if line.strip() and not line.lstrip().startswith(("#", "import ")) else ():
                tried += 1
                if tried > MOST or found[1] == 0:
                    return found
                path.write_text("".join([*lines[:number], changed, *lines[number + 1 :]]))
                after, _ = checked(root, proof)
                if after < found[1]:
                    said = f"line {number + 1}: {line.strip()}  ->  {changed.strip()}"
                    found = (before, after, path, path.read_text(), said)
                path.write_text(text)
    return found


def main() -> int:
    """Change one line of the workspace for the better; 0 when it did, or nothing fails, 2 when no change helps."""
    proof = (TOLD / "proof.sh").read_text()
    checks = (TOLD / "checks.txt").read_text().split("\n")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "copy"
        shutil.copytree(".", root, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        before, after, path, text, said = best(root, proof, [check for check in checks if check])
        if not said:
            print("nothing fails" if before == 0 else "no single change makes fewer tests fail")
            return 0 if before == 0 else 2
        target = path.relative_to(root)
    Path(target).write_text(text)
    print(f"{target} {said}\nfailing tests: {before} before, {after} after")
    return 0


if __name__ == "__main__":
    sys.exit(main())
