"""The commands that can be typed into the chat, each with one line of help."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aistack_console.present.mention import KINDS
from aistack_console.present.para import Para, fact, title


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its name, what may follow it, and what it does."""

    name: str
    rest: str
    said: str


COMMANDS = (
    Command("help", "", "these commands"),
    Command("ask", "[QUESTION]", "ask the stack: the answer may read it; alone: on or off for all that follows"),
    Command("do", "GOAL", "a goal for the stack; it waits in Approvals (!GOAL is the same)"),
    Command("again", "", "answer the last question once more, beside the first answer"),
    Command("edit", "", "change your last message, as a branch"),
    Command("new", "", "a new session"),
    Command("rename", "TITLE", "another title for this session"),
    Command("search", "[WORDS]", "sessions in which these words are found; alone: all sessions"),
    Command("persona", "[NAME]", "who answers; alone: choose"),
    Command("model", "[ID]", "use another model; alone: the models"),
    Command("export", "[md|json] [FILE]", "write this session into a new file"),
    Command("copy", "", "copy the last block of code"),
    Command("clear", "", "empty the screen; the session stays"),
    Command("delete", "", "delete this session"),
)
_WORD = re.compile(r"/([a-z]+)(?:\s+(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Typed:
    """A command as it was typed; ``why`` = it is none, in one sentence."""

    name: str = ""
    rest: str = ""
    why: str = ""


def typed(text: str) -> Typed | None:
    """Return the command when what was typed is one; None = it is a message. A beginning that fits one will do."""
    text = text.strip()
    if text.startswith("!"):
        return Typed("do", text[1:].strip())
    match = _WORD.fullmatch(text)
    if match is None:
        return None
    names = [one.name for one in COMMANDS if one.name.startswith(match[1])]
    if match[1] in names or len(names) == 1:
        return Typed(match[1] if match[1] in names else names[0], (match[2] or "").strip())
    if names:
        return Typed(why=f"/{match[1]} could be {', '.join(f'/{name}' for name in names)}.")
    return Typed(why=f"There is no command /{match[1]}; /help lists them.")


def help_paras() -> tuple[Para, ...]:
    """Return every command and every attachment with its line."""
    commands = [fact(f"/{one.name} {one.rest}".strip(), one.said, width=26) for one in COMMANDS]
    attached = [fact(f"@{kind} {'ID' if kind == 'task' else 'NAME'}", said, width=26) for kind, said in KINDS.items()]
    return (title("Commands"), *commands, title("Attach by naming it in a message"), *attached)
