"""What a known program may be given: flags, their values, operands and paths. Anything else is high (R1.10)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aistack_backend.approvals.commands import Command
from aistack_backend.approvals.places import High, check_path

OWN_ROOTS = ("/tmp/", "/workspace/")  # noqa: S108 (paths inside the sandbox)
"""Folders in which patterns and deep searches are let pass."""
LONGEST_TEXT = 400
"""Signs of an awk, jq or sed program that is looked at."""
_SEARCHES = frozenset({"grep", "egrep", "fgrep", "zgrep", "fd"})


def check_arguments(program: str, known: Command, arguments: list[str]) -> None:
    """Let pass what the table knows.

    Raises:
        High: a flag, a value, an operand or a path can do more than ``known.risk`` says.
    """
    operands, seen = _sorted(program, known, arguments)
    if known.needs and known.needs not in seen:
        raise High(f"{program} does more than read without -{known.needs}")
    if len(operands) < known.least or (known.operands is not None and len(operands) > known.operands):
        raise High(f"{program} with {len(operands)} operands does more than read")
    if known.text and operands and not _harmless(known.text, operands[0]):
        raise High(f"{program} is not known to be harmless with the program {operands[0][:60]!r}")
    for operand in operands[1:] if known.text else operands:
        if known.operand and not re.fullmatch(known.operand, operand):
            raise High(f"{program} is not known to be harmless with {operand!r}")
        if known.paths:
            check_path(operand)
    if program in _SEARCHES:
        _check_search(program, arguments, operands)


def _harmless(pattern: str, text: str) -> bool:
    """Long ones are not: a pattern can take the square of their length, and no clock stops it."""
    return len(text) <= LONGEST_TEXT and re.fullmatch(pattern, text) is not None


def _sorted(program: str, known: Command, arguments: list[str]) -> tuple[list[str], set[str]]:
    """Return the operands, and the single letters that were given."""
    operands: list[str] = []
    seen: set[str] = set()
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            operands.extend(rest)
        elif argument.startswith("--"):
            _long(program, known, argument, rest)
        elif argument.startswith("-") and len(argument) > 1 and not _number(known, argument):
            seen |= _short(program, known, argument[1:], rest)
        else:
            operands.append(argument)
    return operands, seen


def _number(known: Command, argument: str) -> bool:
    negative = bool(known.operand and re.fullmatch(known.operand, argument))
    return negative or (known.number and argument[1:].isdigit())


def _long(program: str, known: Command, argument: str, rest: Iterator[str]) -> None:
    name, equals, value = argument[2:].partition("=")
    if equals and (name in known.valued_words or f"{name}=" in known.valued_words):
        _check_value(program, known, name, value)
    elif not equals and name in known.valued_words:
        _check_value(program, known, name, _next(program, name, rest))
    elif equals or not (name in known.words or f"{name}=" in known.valued_words):
        raise High(f"{program} is not known to be harmless with --{name}")


def _short(program: str, known: Command, letters: str, rest: Iterator[str]) -> set[str]:
    for index, letter in enumerate(letters):
        if letter in known.valued:
            _check_value(program, known, letter, letters[index + 1 :] or _next(program, letter, rest))
            return set(letters[: index + 1])
        if letter not in known.flags:
            raise High(f"{program} is not known to be harmless with -{letter}")
    return set(letters)


def _next(program: str, flag: str, rest: Iterator[str]) -> str:
    """Return the word that is the flag's value; not one that the program could take for its next flag."""
    value = next(rest, "")
    if re.match(r"-[A-Za-z-]", value):
        raise High(f"{program} is not known to be harmless with {flag} {value!r}")
    return value


def _check_value(program: str, known: Command, flag: str, value: str) -> None:
    if known.value and not re.fullmatch(known.value, value):
        raise High(f"{program} is not known to be harmless with {flag} {value!r}")


def _check_search(program: str, arguments: list[str], operands: list[str]) -> None:
    deep = program == "fd" or any(re.match(r"--recursive$|-[A-Za-z]*[rR]", argument) for argument in arguments)
    with_pattern = any(re.match(r"--regexp|-[A-Za-z]*e", argument) for argument in arguments)
    searched = operands if with_pattern else operands[1:] or operands
    outside = [path for path in searched if path.startswith("/") and not path.startswith(OWN_ROOTS)]
    if deep and outside:
        raise High(f"searching all of {outside[0]!r} can read secrets")
