"""One registry of everything a key, the palette or a ``:`` command can do.

Each screen declares its ``ACTIONS``; key bindings, footer, palette, commands and the help page are made from
them. Ids are stable: ``[keys]`` in the config file maps an id to other keys (``"services.stop" = "ctrl+t"``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

from textual.binding import Binding, BindingType

from aistack_console.errors import KeysError

GLOBAL = "app"
"""Scope of the actions that every screen has."""

NEVER = {
    "ctrl+s": "flow control",
    "ctrl+m": "the same byte as Enter",
    "ctrl+i": "the same byte as Tab",
    "ctrl+h": "the same byte as Backspace",
    "ctrl+c": "quit, pressed twice",
}
"""Keys that cannot be chosen, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing the operator can do. ``id`` is ``SCOPE.NAME``; the screen's method ``do_NAME`` does it."""

    id: str
    keys: str
    """Comma-separated Textual key names; empty = by palette or command only."""
    title: str
    """A few words for help and palette."""
    hint: str = ""
    """One word for the footer; empty = not shown there."""
    mutates: bool = False
    """Changes something: off with ``--view-only``, while the backend is down or of another major version."""

    @property
    def scope(self) -> str:
        """The screen it belongs to, or ``app``."""
        return self.id.partition(".")[0]

    @property
    def name(self) -> str:
        """The part after the scope; also the ``:`` command."""
        return self.id.partition(".")[2]

    @property
    def shown_key(self) -> str:
        """The first key as a person would write it."""
        return shown(self.keys.partition(",")[0])


_SHOWN = {
    "question_mark": "?", "colon": ":", "slash": "/", "space": "space", "left_square_bracket": "[",
    "right_square_bracket": "]", "exclamation_mark": "!", "plus": "+", "underscore": "_", "minus": "-",
    "escape": "esc", "at": "@", "equals_sign": "=", "full_stop": ".", "less_than_sign": "<",
    "greater_than_sign": ">", "comma": ",", "backslash": "\\",
}  # fmt: skip


def shown(key: str) -> str:
    """Return a Textual key name as a person would write it: ``ctrl+p`` → ``^p``."""
    if key.startswith("ctrl+"):
        return "^" + key.removeprefix("ctrl+")
    return _SHOWN.get(key, key)


def bindings(actions: Iterable[Action]) -> list[BindingType]:
    """Return Textual bindings that run the actions through ``action_run``."""
    return [Binding(one.keys, f"run('{one.id}')", one.title, show=False, id=one.id) for one in actions if one.keys]


def with_control(keys: str) -> str:
    """Return the first of ``keys`` that works while one types, as a person would write it; empty = none does."""
    return next((shown(one.strip()) for one in keys.split(",") if "+" in one), "")


class Registry:
    """Every action there is, with the keys that the operator chose.

    Raises:
        KeysError: two actions of one scope want the same key, an id is unknown, or a key cannot be chosen.
    """

    def __init__(self, actions: Iterable[Action], chosen: Mapping[str, str] | None = None) -> None:
        self._actions = {one.id: one for one in actions}
        self.keymap = dict(chosen or {})
        """What to hand to Textual's ``set_keymap``."""
        for key_id, keys in self.keymap.items():
            self._remap(key_id, keys)
        self._check_clashes()

    def get(self, action_id: str) -> Action | None:
        """Return the action with that id, or None."""
        return self._actions.get(action_id)

    def of(self, scope: str) -> tuple[Action, ...]:
        """Return the actions of a screen, in the order they were declared."""
        return tuple(one for one in self._actions.values() if one.scope == scope)

    def keys_of(self, action_id: str) -> str:
        """Return the first key of an action as a person would write it; empty = it has none."""
        one = self._actions.get(action_id)
        return one.shown_key if one else ""

    def all(self) -> tuple[Action, ...]:
        """Return every action."""
        return tuple(self._actions.values())

    def _remap(self, key_id: str, keys: str) -> None:
        if key_id not in self._actions:
            near = get_close_matches(key_id, self._actions, 1)
            raise KeysError(f"[keys] names the action {key_id}, which does not exist.", _did_you_mean(near))
        for key in keys.split(","):
            if why := NEVER.get(key.strip()):
                raise KeysError(f"[keys] {key_id} = {key.strip()}: this key cannot be chosen ({why}).")
        tidy = ",".join(key.strip() for key in keys.split(","))
        self.keymap[key_id] = tidy
        self._actions[key_id] = replace(self._actions[key_id], keys=tidy)

    def _check_clashes(self) -> None:
        """Textual drops a binding silently when another is moved onto its key, so we look ourselves."""
        for scope in {one.scope for one in self._actions.values()} | {GLOBAL}:
            owner: dict[str, Action] = {}
            for one in (*self.of(GLOBAL), *(self.of(scope) if scope != GLOBAL else ())):
                for key in filter(None, one.keys.split(",")):
                    if key in owner:
                        other = owner[key].id
                        raise KeysError(f"[keys] {shown(key)} would do both {other} and {one.id}.", "Move one of them.")
                    owner[key] = one


def _did_you_mean(near: list[str]) -> str:
    return f"Did you mean {near[0]}?" if near else "See docs/keys.md for the ids."


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One screen as tabs and commands name it."""

    name: str
    key: str
    """Empty = it has no tab: a command or the palette opens it."""
    short: str
    """The word on the tab."""
    title: str


PLACES = (
    Place(name="overview", key="1", short="Over", title="Overview"),
    Place(name="services", key="2", short="Svc", title="Services"),
    Place(name="logs", key="3", short="Logs", title="Logs"),
    Place(name="approvals", key="4", short="Appr", title="Approvals"),
    Place(name="tasks", key="5", short="Tasks", title="Tasks"),
    Place(name="chat", key="6", short="Chat", title="Chat"),
    Place(name="map", key="7", short="Map", title="Map"),
    Place(name="learning", key="8", short="Learn", title="Learning"),
    Place(name="resources", key="9", short="GPU", title="GPU and resources"),
    Place(name="audit", key="0", short="Audit", title="Audit"),
    Place(name="boot", key="", short="Boot", title="Boot director"),
    Place(name="checklist", key="", short="Check", title="Checklist"),
    Place(name="doctor", key="", short="Doctor", title="Doctor"),
    Place(name="storage", key="", short="Store", title="Storage"),
    Place(name="models", key="", short="Models", title="Models"),
    Place(name="dashboard", key="", short="Board", title="Dashboard"),
    Place(name="routes", key="", short="Routes", title="Routes"),
    Place(name="federation", key="", short="Fed", title="Federation"),
    Place(name="training", key="", short="Train", title="Training"),
    Place(name="traces", key="", short="Traces", title="Traces"),
    Place(name="past", key="", short="Past", title="Time machine"),
    Place(name="alerts", key="", short="Alerts", title="Alerts"),
    Place(name="knowledge", key="", short="Know", title="Knowledge"),
    Place(name="asked", key="", short="Log", title="Command log"),
)
"""The screens of this version, in the order of their keys, then those that only a command or the palette opens."""

UNTABBED = {"past": "T"}
"""Keys of screens that have no tab."""

APP_ACTIONS = (
    *(
        Action(id=f"app.{one.name}", keys=one.key or UNTABBED.get(one.name, ""), title=f"Go to {one.title}")
        for one in PLACES
    ),
    Action(id="app.needs", keys="J", title="Go to what needs me", hint="needs-you"),
    Action(id="app.undo", keys="z", title="Undo the last own action, through the gate", mutates=True),
    Action(id="app.log", keys="at", title="Command log: what this console asked"),
    Action(id="app.command", keys="colon", title="Type a command", hint="command"),
    Action(id="app.palette", keys="ctrl+p", title="Find a command"),
    Action(id="app.help", keys="question_mark", title="Keys of this screen", hint="help"),
    Action(id="app.last", keys="minus", title="Back to the last screen"),
    Action(id="app.redraw", keys="ctrl+l", title="Draw everything again"),
    Action(id="app.mouse", keys="m", title="Give the mouse to the terminal, or take it back"),
    Action(
        id="app.zoom", keys="plus,equals_sign,underscore", title="Give the whole screen to this pane, or take it back"
    ),
    Action(id="app.suspend", keys="ctrl+z", title="Suspend to the shell"),
    Action(id="app.backend", keys="", title="Start a backend and connect again"),
    Action(id="app.theme", keys="", title="Choose a theme"),
    Action(id="app.quit", keys="q", title="Leave (the backend goes on)", hint="quit"),
)
"""What every screen has."""
