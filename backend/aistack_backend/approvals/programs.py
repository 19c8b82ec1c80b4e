"""Programs whose arguments are a language of their own: find, sed, test and command (R1.10)."""

from __future__ import annotations

import re

from aistack_backend.approvals.arguments import LONGEST_TEXT
from aistack_backend.approvals.commands import FIND_TESTS, FIND_VALUED
from aistack_backend.approvals.places import High, check_path

_SET = r"\[\^?[A-Za-z0-9 _.\-]+\]"
"""No delimiter in it: busybox does not end a pattern there, GNU does, and the rest becomes another command."""
_ADDRESS = rf"(?:[0-9]+|\$|/(?:[^/\\\[]|\\.|{_SET})+/)"
_PART = rf"(?:(?!(?P=d))[^\\\[]|\\.|{_SET})*(?P=d)"
_SUBSTITUTE = rf"s(?P<d>[/|,#:]){_PART}{_PART}[gpIi0-9]*"
_SED = re.compile(rf"(?:{_ADDRESS}(?:,{_ADDRESS})?)?(?:[pdq=]|{_SUBSTITUTE})")
"""One sed command that only prints: no ``e``, ``w``, ``r``, and nothing after it."""
_NUMBERS = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge"})
_NAME = re.compile(r"[A-Za-z0-9_.\-]+")


def _find(arguments: list[str]) -> None:
    rest = iter(arguments)
    for argument in rest:
        if argument in FIND_VALUED:
            next(rest, None)
        elif argument.startswith("-") and argument not in FIND_TESTS:
            raise High(f"find is not known to be harmless with {argument}")
        elif not argument.startswith("-"):
            check_path(argument)


def _sed(arguments: list[str]) -> None:
    scripts, paths, rest = [], [], iter(arguments)
    for argument in rest:
        if argument == "-e":
            scripts.append(next(rest, ""))
        elif argument.startswith("-") and argument not in ("-n", "-E", "-r"):
            raise High(f"sed is not known to be harmless with {argument}")
        elif not argument.startswith("-"):
            paths.append(argument)
    if not scripts and paths:
        scripts.append(paths.pop(0))
    if not scripts or not all(len(one) <= LONGEST_TEXT and _SED.fullmatch(one) for one in scripts):
        raise High("sed is known to be harmless only with one command that prints")
    for path in paths:
        check_path(path)


def _command(arguments: list[str]) -> None:
    if len(arguments) != 2 or arguments[0] != "-v" or not _NAME.fullmatch(arguments[1]):
        raise High("command is known to be harmless only as command -v NAME")


def _test(arguments: list[str]) -> None:
    """Files and texts only: some shells evaluate what stands where a number or a variable's name is due."""
    if len(arguments) == 2 and re.fullmatch(r"-[bcdefghkLnprsSuwxz]", arguments[0]):
        return
    if len(arguments) == 3:
        left, operator, right = arguments
        numbers = all(re.fullmatch(r"-?[0-9]+", side) for side in (left, right))
        if operator in ("=", "!=", "-nt", "-ot") or (operator in _NUMBERS and numbers):
            return
    raise High("test is known to be harmless only with one test of files, texts or numbers")


def _bracket(arguments: list[str]) -> None:
    if arguments[-1:] != ["]"]:
        raise High("[ without its ] cannot be judged")
    _test(arguments[:-1])


SPECIAL = {"find": _find, "sed": _sed, "command": _command, "test": _test, "[": _bracket}
"""By program: raises ``High`` for arguments that do more than read."""
