"""What must not cross the socket: environment values, and whatever looks like a password elsewhere.

Environment values are always masked. In commands, labels and the rest of an inspect document a value is masked
when its name looks secret or when it is the password of a URL. This is a net, not a proof: what a person writes
into a command line in the clear and without a telling name cannot be known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "•••"
TELLING = re.compile(
    r"pass(?:wd|word|phrase)?|secret|token|credential|api[-_.]?key|private[-_.]?key|auth(?!or)", re.IGNORECASE
)
URL_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@")
WHOLE = frozenset({"CreateCommand"})
"""The command that made the container holds every ``-e NAME=value``: hidden as a whole."""


def scrub_text(text: str) -> str:
    """Mask the password of every URL and the value of ``NAME=value`` with a telling name."""
    text = URL_PASSWORD.sub(rf"\1:{MASK}@", text)
    name, equals, value = text.partition("=")
    if equals and value and TELLING.search(name) and not re.search(r"\s", name):
        return f"{name}={MASK}"
    return text


def scrub_arguments(arguments: Iterable[object]) -> tuple[str, ...]:
    """Mask secrets of a command line, also where the value follows its option (``--requirepass x``)."""
    found: list[str] = []
    hide = False
    for argument in arguments:
        text = str(argument)
        found.append(MASK if hide and not text.startswith("-") else scrub_text(text))
        hide = text.startswith("-") and "=" not in text and TELLING.search(text) is not None
    return tuple(found)


def scrub_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Mask labels with telling names."""
    return {key: MASK if TELLING.search(key) and value else scrub_text(value) for key, value in labels.items()}


def scrub_document(value: Any, name: str = "") -> Any:
    """Return a copy of an inspect document with everything secret masked."""
    if name in WHOLE:
        return [MASK] if value else value
    if isinstance(value, Mapping):
        return {key: scrub_document(one, str(key)) for key, one in value.items()}
    if isinstance(value, list | tuple):
        if name == "Env":
            return [f"{str(one).partition('=')[0]}={MASK}" for one in value]
        if all(isinstance(one, str) for one in value):
            return list(scrub_arguments(value))
        return [scrub_document(one, name) for one in value]
    if isinstance(value, str) and value:
        return MASK if TELLING.search(name) and "Path" not in name else scrub_text(value)
    return value
