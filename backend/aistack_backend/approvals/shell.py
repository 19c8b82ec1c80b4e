"""The risk of a shell script: a small grammar of known commands passes, everything else is high (R1.10).

Not a shell parser: it knows words, quotes without substitution, pipes, ``&&``, ``||``, ``;`` and new lines, and
throwing output away. One sign outside that, and the script is high; so is one unknown command or flag.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from aistack_backend.approvals.arguments import OWN_ROOTS, check_arguments
from aistack_backend.approvals.commands import COMMANDS, GLOBAL, NESTED, VERSIONED, VERSIONS, Command
from aistack_backend.approvals.judgement import Judgement, rank, worst
from aistack_backend.approvals.places import High
from aistack_backend.approvals.programs import SPECIAL
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
    r"|(?P<word>(?:[A-Za-z0-9_./:=,+%@*?\-]|(?<=[A-Za-z0-9])~(?![A-Za-z/])|'[^'\n]*'|\"[^\"$`\\!\n]*\")+"
    r"|\[(?=[ \t])|(?<=[ \t])\](?=[\s;|&]|$))"
)
_QUOTED = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"")


@dataclass(frozen=True, slots=True)
class Word:
    """One word as the program would get it; ``glob``: the shell may replace it by file names."""

    text: str
    glob: bool
    quoted: bool


def judge_script(script: str) -> Judgement:
    """Return the risk of a script and why; high for all that is not known to be less."""
    deadline = time.perf_counter() + PATIENCE
    try:
        commands = _commands(script, deadline)
        judged = [_judge(words, deadline) for words in commands]
    except High as high:
        return Judgement(Risk.HIGH, (f"{high}: high",))
    return worst(judged)


def parts(script: str) -> list[list[str]]:
    """Return the words of each command of a script, as the programs would get them.

    Raises:
        High: these rules cannot tell what the words are.
    """
    return [[word.text for word in command] for command in _commands(script, time.perf_counter() + PATIENCE)]


def _commands(script: str, deadline: float) -> list[list[Word]]:
    _check_script(script)
    commands: list[list[Word]] = [[]]
    at, joined, waits = 0, False, False
    while at < len(script):
        _in_time(deadline)
        match = _TOKEN.match(script, at)
        if match is None or (joined and match["word"]):
            raise High(f"the sign {script[at]!r} can do more than these rules can judge")
        if match["word"]:
            commands[-1].append(_word(match["word"]))
            waits = False
        elif match["next"]:
            waits = _separate(commands, match["next"]) or (waits and not commands[-1])
        joined = bool(match["word"])
        at = match.end()
    if waits:
        raise High("the script ends before its last command")
    if not commands[-1]:
        commands.pop()  # a new line or ; at the very end
    if not commands:
        raise High("the script runs no command")
    return commands


def _check_script(script: str) -> None:
    if not script.strip():
        raise High("the script is empty")
    if len(script.encode("utf-8", "surrogatepass")) > LONGEST:
        raise High("the script is longer than 64 KiB")
    if not _PLAIN.fullmatch(script):
        raise High("the script has signs beyond plain ASCII, which can look like others")


def _separate(commands: list[list[Word]], operator: str) -> bool:
    """Begin the next command; True when the operator cannot end a script."""
    if commands[-1]:
        commands.append([])
    elif operator != "\n":
        raise High("the script has a part without a command")
    return operator not in (";", "\n")


def _word(raw: str) -> Word:
    bare = _QUOTED.sub("", raw)
    text = _QUOTED.sub(lambda found: found[1] if found[1] is not None else found[2], raw)
    return Word(text, glob="*" in bare or "?" in bare, quoted=bare != raw)


def _in_time(deadline: float) -> None:
    if time.perf_counter() > deadline:
        raise High("judging it took too long")


def _judge(words: list[Word], deadline: float) -> Judgement:
    _in_time(deadline)
    program, arguments = _program(words[0]), words[1:]
    texts = [word.text for word in arguments]
    if _only_tells(program, texts):
        return Judgement(Risk.LOW, (f"{program} only tells about itself",))
    for word in arguments:
        _check_word(word)
    if program in SPECIAL:
        SPECIAL[program](texts)
        return Judgement(Risk.LOW, (f"{program} only reads",))
    if program in NESTED:
        return _nested(program, arguments)
    known = COMMANDS.get(program)
    if known is None:
        raise High(f"{program} is not on the list of known commands")
    _check(program, known, arguments)
    does = "writes below its folder" if known.writes else "only reads"
    return Judgement(known.risk, (f"{program} {does}",))


def _only_tells(program: str, texts: list[str]) -> bool:
    """Whether it is asked for its version or help alone."""
    if program in COMMANDS or program in SPECIAL:
        return texts in (["--help"], ["--version"]) and program not in ("test", "[")
    return program in VERSIONED and (texts in (["--version"], ["--help"]) or " ".join([program, *texts]) in VERSIONS)


def _program(word: Word) -> str:
    if word.quoted or word.glob:
        raise High("the program's name is quoted or a pattern")
    for folder in ("/usr/bin/", "/bin/"):
        if word.text.startswith(folder):
            return word.text.removeprefix(folder)
    return word.text


def _nested(program: str, arguments: list[Word]) -> Judgement:
    subcommands, least = NESTED[program]
    rest = _without_global(program, arguments)
    for length in (2, 1):
        name = " ".join(word.text for word in rest[:length])
        if len(rest) >= length and name in subcommands:
            known = subcommands[name]
            _check(f"{program} {name}", known, rest[length:])
            return Judgement(max(least, known.risk, key=rank), (f"{program} {name} only reads",))
    name = rest[0].text if rest else ""
    raise High(f"{program} {name} is not on the list of known commands")


def _without_global(program: str, arguments: list[Word]) -> list[Word]:
    """Return the words from the subcommand on; the harmless flags of the program itself are left out."""
    at = 0
    while at < len(arguments) and arguments[at].text in GLOBAL.get(program, ()):
        at += 1
    return arguments[at:]


def _check(program: str, known: Command, arguments: list[Word]) -> None:
    if known.operands is not None and any(word.glob for word in arguments):
        raise High(f"a pattern can give {program} more operands than {known.operands}")
    check_arguments(program, known, [word.text for word in arguments])


def _check_word(word: Word) -> None:
    """Refuse patterns that could become flags, and places that hold secrets."""
    text = word.text
    if word.glob and text[:1] in "-*?":
        raise High(f"the pattern {text!r} can become a flag")
    if word.glob and text.startswith("/") and not text.startswith(OWN_ROOTS):
        raise High(f"the pattern {text!r} reaches beyond the workspace")
