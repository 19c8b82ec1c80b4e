"""The keys of probes as data, so that a wrong one is told when the manifest is read and not when it is used."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAMES = {
    int: "a number",
    str: "a text",
    bool: "true or false",
    float: "a number",
    list: "a list",
    dict: "a mapping",
}


@dataclass(frozen=True, slots=True)
class Key:
    """One key: which types it may have, and whether it must be there."""

    types: tuple[type, ...]
    required: bool = False
    choices: tuple[str, ...] = ()


PORT = Key((int,), required=True)
TEXT = Key((str,))
FLAG = Key((bool,))
MAPPING = Key((dict,))


def fault(options: Mapping[str, Any], keys: Mapping[str, Key]) -> str:
    """Return one sentence on the first key that is wrong; empty = none."""
    for name, value in options.items():
        key = keys.get(name)
        if key is None:
            near = difflib.get_close_matches(name, keys, n=1)
            right = f"did you mean {near[0]}?" if near else f"use {', '.join(sorted(keys))}."
            return f"There is no option {name!r} here; {right}"
        if wrong := _wrong(name, value, key):
            return wrong
    missing = [name for name, key in keys.items() if key.required and name not in options]
    return f"The option {missing[0]} is missing." if missing else ""


def _wrong(name: str, value: object, key: Key) -> str:
    fits = isinstance(value, key.types) and (bool in key.types or not isinstance(value, bool))
    if not fits:
        return f"{name} is {value!r}; {' or '.join(NAMES[one] for one in key.types)} would be right."
    if key.choices and value not in key.choices:
        return f"{name} is {value!r}; use {', '.join(key.choices)}."
    if name.endswith("port") and isinstance(value, int) and not 0 < value < 65536:
        return f"{name} is {value}; a number from 1 to 65535 would be right."
    return ""
