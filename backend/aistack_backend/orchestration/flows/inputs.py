"""The inputs of a workflow: as its file declares them, and as somebody gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aistack_backend.containers.stack.place import Place, nearest
from aistack_backend.errors import BadInput
from aistack_backend.orchestration.flows.models import KINDS_OF_INPUT, FlowDecl, InputDecl

LONGEST = 200_000
"""Characters of one input."""


def declared(name: str, place: Place) -> InputDecl:
    """Read one declaration; ``name: value`` alone is a default, whose kind is the input's.

    Raises:
        ManifestError: the default is of another kind than ``type``, or is none of ``choices``.
    """
    if not isinstance(place.value, dict):
        return InputDecl(name=name, kind=_kind(place), default=place.value)
    at, kind_at, choices_at, about = (place.get(key) for key in ("default", "type", "choices", "about"))
    kind = kind_at.one_of(tuple(KINDS_OF_INPUT)) if kind_at else _kind(at) if at else "text"
    choices = choices_at.texts() if choices_at else ()
    decl = InputDecl(
        name=name, kind=kind, default=at.value if at else None, choices=choices, about=about.text() if about else ""
    )
    if at is not None and (wrong := _wrong(decl, decl.default)):
        raise at.fault(f"{wrong}.")
    return decl


def given(flow: FlowDecl, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every input.

    Raises:
        BadInput: one is unknown, missing, or of the wrong kind; the sentence names it and what would be right.
    """
    for name in values:
        if name not in flow.inputs:
            raise BadInput(f"{flow.name} has no input {name!r}.", f"For it: {nearest(name, flow.inputs)}")
    found: dict[str, Any] = {}
    for name, decl in flow.inputs.items():
        value = _as(decl, values[name]) if values.get(name) is not None else decl.default
        if value is None:
            raise BadInput(f"{flow.name} needs the input {name!r}.", decl.about or f"It is a {decl.kind}.")
        if wrong := _wrong(decl, value):
            raise BadInput(f"The input {name!r} of {flow.name} {wrong}.")
        found[name] = value
    return found


def _as(decl: InputDecl, value: Any) -> Any:
    """Read what a command line gave as text."""
    if not isinstance(value, str) or decl.kind == "text":
        return value
    if decl.kind == "list":
        return [word for word in value.replace(",", " ").split() if word]
    if decl.kind == "flag":
        return {"true": True, "yes": True, "false": False, "no": False}.get(value.lower(), value)
    try:
        return float(value) if "." in value else int(value)
    except ValueError:
        return value


def _wrong(decl: InputDecl, value: Any) -> str:
    if not isinstance(value, KINDS_OF_INPUT[decl.kind]) or (decl.kind == "number" and isinstance(value, bool)):
        return f"must be a {decl.kind}, not {value!r:.60}"
    if isinstance(value, str) and len(value) > LONGEST:
        return f"is {len(value)} characters long; {LONGEST} are allowed"
    if decl.choices and value not in decl.choices:
        return f"is {value!r:.60}; {nearest(str(value), decl.choices).rstrip('.')}"
    return ""


def _kind(place: Place) -> str:
    for kind, types in KINDS_OF_INPUT.items():
        if isinstance(place.value, types) and not (kind == "number" and isinstance(place.value, bool)):
            return kind
    raise place.fault("must be a text, a number, true or false, or a list.")
