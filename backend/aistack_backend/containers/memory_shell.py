"""The programs of the in-memory containers: enough of a shell for demonstrations and for the contract suite."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aistack_backend.wire.containers import LogStream


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a program does: wait, write a line, or end with a code."""

    wait: float = 0.0
    """Seconds; infinite = until it is stopped."""
    stream: LogStream = LogStream.STDOUT
    line: bytes | None = None
    code: int | None = None


FOREVER = float("inf")


def steps(command: Sequence[str]) -> Iterator[Step]:
    """Yield what a command does: ``echo TEXT [>&2]``, ``seq A B``, ``sleep N``, ``true``, ``false``, ``exit N``,
    alone or joined by ``;`` after ``sh -c``. Any other program is not there: its code is 127."""
    if not command:
        yield Step(wait=FOREVER)
        return
    words = [*command]
    if words[0].rpartition("/")[2] == "sh" and len(words) >= 3 and words[1] == "-c":
        code = 0
        for part in _parts(words[2]):
            for step in _simple(part):
                if step.code is None:
                    yield step
                    continue
                code = step.code
                if part[0] == "exit":
                    yield step
                    return
        yield Step(code=code)
        return
    yield from _simple(words)


def _parts(script: str) -> Iterator[list[str]]:
    for line in script.replace("\n", ";").split(";"):
        try:
            words = shlex.split(line)
        except ValueError:
            words = [line.strip()]
        if words:
            yield words


def _simple(words: list[str]) -> Iterator[Step]:
    name, rest = words[0].rpartition("/")[2], words[1:]
    if name == "echo":
        error = ">&2" in rest
        text = " ".join(word for word in rest if word != ">&2")
        yield Step(stream=LogStream.STDERR if error else LogStream.STDOUT, line=text.encode())
    elif name == "seq" and len(rest) == 2 and all(word.isdigit() for word in rest):
        for number in range(int(rest[0]), int(rest[1]) + 1):
            yield Step(line=str(number).encode())
    elif name == "sleep" and rest:
        yield Step(wait=float(rest[0]) if rest[0].replace(".", "", 1).isdigit() else FOREVER)
    elif name == "exit":
        yield Step(code=int(rest[0]) if rest and rest[0].isdigit() else 0)
        return
    elif name not in ("true", "false"):
        yield Step(stream=LogStream.STDERR, line=f"{words[0]}: not found".encode())
        yield Step(code=127)
        return
    yield Step(code=1 if name == "false" else 0)
