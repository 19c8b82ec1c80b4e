"""The risk of a shell script: a small grammar of known commands passes, everything else is high (R1.10).

Not a shell parser: it knows words, quotes without substitution, pipes, ``&&``, ``||``, ``;`` and new lines, and
throwing output away. One sign outside that, and the script is high; so is one unknown command or flag.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from aistack_backend.approvals.commands import (
    COMMANDS,
    FIND_TESTS,
    FIND_VALUED,
    NESTED,
    SECRET_NAMES,
    SECRET_ROOTS,
    VERSIONED,
    Command,
)
from aistack_backend.approvals.judgement import Judgement, rank, worst
from aistack_backend.wire.actions import Risk

LONGEST = 64 * 1024
"""Bytes of a script that are looked at; longer ones are high."""
PATIENCE = 0.050
"""Seconds after which a script that is still not judged is high."""

_PLAIN = re.compile(r"[\t\n\x20-\x7e]*")
_TOKEN = re.compile(
    r"(?P<blank>[ \t]+)"
    r"|(?P<drop>[12]?>[ ]?/dev/null(?=[\s;|&]|$)|2>&1(?=[\s;|&]|$))"
    r"|(?P<next>&&|\|\||[|;\n])"
    r"|(?P<word>(?:[A-Za-z0-9_./:=,+%@*?\-]|'[^'\n]*'|\"[^\"$`\\!\n]*\")+)"
)
_QUOTED = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"")
_SAFE_GLOB_ROOTS = ("/tmp/", "/workspace/")  # noqa: S108 (paths inside the sandbox)


@dataclass(frozen=True, slots=True)
class Word:
    """One word as the program would get it; ``glob``: the shell may replace it by file names."""

    text: str
    glob: bool
    quoted: bool


class _High(Exception):
    """The reason why a script is high."""


def judge_script(script: str) -> Judgement:
    """Return the risk of a script and why; high for all that is not known to be less."""
    deadline = time.perf_counter() + PATIENCE
    try:
        commands = _commands(script, deadline)
        judged = [_judge(words, deadline) for words in commands]
    except _High as high:
        return Judgement(Risk.HIGH, (f"{high}: high",))
    return worst(judged)


def _commands(script: str, deadline: float) -> list[list[Word]]:
    _check_script(script)
    commands: list[list[Word]] = [[]]
    at, joined, waits = 0, False, False
    while at < len(script):
        _in_time(deadline)
        match = _TOKEN.match(script, at)
        if match is None or (joined and match["word"]):
            raise _High(f"the sign {script[at]!r} can do more than these rules can judge")
        if match["word"]:
            commands[-1].append(_word(match["word"]))
            waits = False
        elif match["next"]:
            waits = _separate(commands, match["next"]) or (waits and not commands[-1])
        joined = bool(match["word"])
        at = match.end()
    if waits:
        raise _High("the script ends before its last command")
    if not commands[-1]:
        commands.pop()  # a new line or ; at the very end
    return commands


def _check_script(script: str) -> None:
    if not script.strip():
        raise _High("the script is empty")
    if len(script.encode("utf-8", "surrogatepass")) > LONGEST:
        raise _High("the script is longer than 64 KiB")
    if not _PLAIN.fullmatch(script):
        raise _High("the script has signs beyond plain ASCII, which can look like others")


def _separate(commands: list[list[Word]], operator: str) -> bool:
    """Begin the next command; True when the operator cannot end a script."""
    if commands[-1]:
        commands.append([])
    elif operator != "\n":
        raise _High("the script has a part without a command")
    return operator not in (";", "\n")


def _word(raw: str) -> Word:
    bare = _QUOTED.sub("", raw)
    text = _QUOTED.sub(lambda found: found[1] if found[1] is not None else found[2], raw)
    return Word(text, glob="*" in bare or "?" in bare, quoted=bare != raw)


def _in_time(deadline: float) -> None:
    if time.perf_counter() > deadline:
        raise _High("judging it took too long")


def _judge(words: list[Word], deadline: float) -> Judgement:
    _in_time(deadline)
    program, arguments = _program(words[0]), words[1:]
    if program in VERSIONED and [word.text for word in arguments] in (["--version"], ["-V"], ["version"]):
        return Judgement(Risk.LOW, (f"{program} only tells its version",))
    for word in arguments:
        _check_word(word)
    if program in ("find", "sed", "command"):
        _SPECIAL[program]([word.text for word in arguments])
        return Judgement(Risk.LOW, (f"{program} only reads",))
    if program in NESTED:
        return _nested(program, arguments)
    known = COMMANDS.get(program)
    if known is None:
        raise _High(f"{program} is not on the list of known commands")
    _arguments(program, known, [word.text for word in arguments])
    return Judgement(
        known.risk, (f"{program} {'only reads' if known.risk is Risk.LOW else 'writes below its folder'}",)
    )


def _program(word: Word) -> str:
    if word.quoted or word.glob:
        raise _High("the program's name is quoted or a pattern")
    for folder in ("/usr/bin/", "/bin/"):
        if word.text.startswith(folder):
            return word.text.removeprefix(folder)
    return word.text


def _nested(program: str, arguments: list[Word]) -> Judgement:
    subcommands, least = NESTED[program]
    name = arguments[0].text if arguments else ""
    if name not in subcommands:
        raise _High(f"{program} {name} is not on the list of known commands")
    known = subcommands[name]
    _arguments(f"{program} {name}", known, [word.text for word in arguments[1:]])
    risk = max(least, known.risk, key=rank)
    return Judgement(risk, (f"{program} {name} only reads",))


def _check_word(word: Word) -> None:
    """Refuse patterns that could become flags, and places that hold secrets."""
    text = word.text
    if word.glob and text[:1] in "-*?":
        raise _High(f"the pattern {text!r} can become a flag")
    if word.glob and text.startswith("/") and not text.startswith(_SAFE_GLOB_ROOTS):
        raise _High(f"the pattern {text!r} reaches beyond the workspace")


def _check_path(text: str, *, operand: bool = True) -> None:
    if text == "/dev/null":
        return
    clean = re.sub(r"/+", "/", text).rstrip("/") or "/"
    parts = [part for part in clean.split("/") if part not in ("", ".")]
    plain = ("/" if clean.startswith("/") else "") + "/".join(parts)
    if operand and ".." in parts:
        raise _High(f"the path {text!r} climbs out of its folder")
    for root in SECRET_ROOTS:
        if plain == root or plain.startswith(root + "/"):
            raise _High(f"the path {text!r} lies where secrets or devices are")
    for part in parts:
        hidden = part.startswith(".") and ("*" in part or "?" in part)
        if hidden or any(fnmatchcase(name, part) for name in SECRET_NAMES if part not in ("*", "**")):
            raise _High(f"the path {text!r} names what usually holds secrets")


def _arguments(program: str, known: Command, arguments: list[str]) -> None:
    operands: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            operands.extend(rest)
        elif argument.startswith("--"):
            _long(program, known, argument, rest)
        elif argument.startswith("-") and len(argument) > 1 and not _number(known, argument):
            _short(program, known, argument[1:], rest)
        else:
            operands.append(argument)
    if len(operands) < known.least or (known.operands is not None and len(operands) > known.operands):
        raise _High(f"{program} with {len(operands)} operands does more than read")
    for operand in operands:
        if known.operand and not re.fullmatch(known.operand, operand):
            raise _High(f"{program} is not known to be harmless with {operand!r}")
        if known.paths:
            _check_path(operand)
    if program.endswith("grep"):
        _check_search(arguments, operands)


def _number(known: Command, argument: str) -> bool:
    negative = bool(known.operand and re.fullmatch(known.operand, argument))
    return negative or (known.number and argument[1:].isdigit())


def _long(program: str, known: Command, argument: str, rest: Iterator[str]) -> None:
    name, equals, _ = argument[2:].partition("=")
    if equals and name in known.valued_words:
        return
    if not equals and name in known.words:
        return
    if not equals and name in known.valued_words and name not in ("color", "iso-8601"):
        next(rest, None)
        return
    raise _High(f"{program} is not known to be harmless with --{name}")


def _short(program: str, known: Command, letters: str, rest: Iterator[str]) -> None:
    for index, letter in enumerate(letters):
        if letter in known.valued:
            if index == len(letters) - 1:
                next(rest, None)
            return
        if letter not in known.flags:
            raise _High(f"{program} is not known to be harmless with -{letter}")


def _check_search(arguments: list[str], operands: list[str]) -> None:
    deep = any(a == "--recursive" or (re.match(r"-[A-Za-z]*[rR]", a) and not a.startswith("--")) for a in arguments)
    outside = [
        path for path in operands[1:] or operands if path.startswith("/") and not path.startswith(_SAFE_GLOB_ROOTS)
    ]
    if deep and outside:
        raise _High(f"searching all of {outside[0]!r} can read secrets")


def _find(arguments: list[str]) -> None:
    rest = iter(arguments)
    for argument in rest:
        if argument in FIND_VALUED:
            next(rest, None)
        elif argument.startswith("-") and argument not in FIND_TESTS:
            raise _High(f"find is not known to be harmless with {argument}")
        elif not argument.startswith("-"):
            _check_path(argument)


def _sed(arguments: list[str]) -> None:
    if len(arguments) < 2 or arguments[0] != "-n" or not re.fullmatch(r"[0-9]+(,([0-9]+|\$))?p", arguments[1]):
        raise _High("sed is known to be harmless only as sed -n 'FROM,TOp'")
    for path in arguments[2:]:
        if path.startswith("-"):
            raise _High(f"sed is not known to be harmless with {path}")
        _check_path(path)


def _command(arguments: list[str]) -> None:
    if len(arguments) != 2 or arguments[0] != "-v" or not re.fullmatch(r"[A-Za-z0-9_.\-]+", arguments[1]):
        raise _High("command is known to be harmless only as command -v NAME")


_SPECIAL = {"find": _find, "sed": _sed, "command": _command}
