"""What a ``:`` line means, and the palette: both made from the registry of actions."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from aistack_console.keys import GLOBAL, Action, Place, Registry

if TYPE_CHECKING:
    from aistack_console.screens.base import BaseScreen

SHORT = {"q": "quit", "svc": "services", "appr": "approvals", "gpu": "resources", "h": "help"}
"""Short forms of commands."""
WITH_NUMBER = {"approve": "approvals", "deny": "approvals", "task": "tasks"}
"""Commands that take a number, and the screen that knows what to do with it."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a line asks for: a screen with an argument, an action, or nothing with the reason why not."""

    place: str = ""
    argument: str = ""
    action: str = ""
    problem: str = ""


def interpret(line: str, registry: Registry, places: tuple[Place, ...], scope: str) -> Command:
    """Return what the operator typed; ``scope`` is the screen it was typed on."""
    word, _, rest = line.strip().removeprefix(":").partition(" ")
    word, rest = SHORT.get(word, word), rest.strip()
    if not word:
        return Command()
    if word in {place.name for place in places}:
        return Command(place=word, argument=rest)
    if word in WITH_NUMBER:
        if not rest.removeprefix("#").isdigit():
            return Command(problem=f":{word} needs a number, e.g. :{word} 41.")
        return Command(place=WITH_NUMBER[word], argument=f"{word} {rest.removeprefix('#')}")
    for owner in (scope, GLOBAL):
        if registry.get(f"{owner}.{word}"):
            return Command(action=f"{owner}.{word}", argument=rest)
    near = get_close_matches(word, words(registry, places, scope), 1)
    return Command(problem=f"There is no command :{word}." + (f" Did you mean :{near[0].strip()}?" if near else ""))


def words(registry: Registry, places: tuple[Place, ...], scope: str) -> tuple[str, ...]:
    """Return the commands that can be completed on a screen."""
    names = {place.name for place in places} | {f"{word} " for word in WITH_NUMBER}
    names |= {one.name for owner in (scope, GLOBAL) for one in registry.of(owner)}
    return tuple(sorted(names))


class ActionProvider(Provider):
    """The palette: every action of this screen and of the app that can be done now."""

    def _choices(self) -> list[tuple[str, str, str]]:
        """Return id, title and what is said under it; the last may hold a container's name, so it is no markup."""
        screen = cast("BaseScreen", self.screen)
        registry = screen.console.registry
        return [
            (one.id, one.title, _under(one, screen.reason(one)))
            for owner in (screen.NAME, GLOBAL)
            for one in registry.of(owner)
        ]

    def _run(self, action_id: str) -> None:
        screen = cast("BaseScreen", self.screen)
        screen.call_later(screen.action_run, action_id)

    async def discover(self) -> Hits:
        """Yield every action before anything is typed."""
        for action_id, title, under in self._choices():
            run = lambda one=action_id: self._run(one)  # noqa: E731
            yield DiscoveryHit(Content(title), run, help=Content(under))  # type: ignore[arg-type]  # from_markup keeps it

    async def search(self, query: str) -> Hits:
        """Yield the actions whose title fits."""
        matcher = self.matcher(query)
        for action_id, title, under in self._choices():
            if (score := matcher.match(title)) > 0:
                run = lambda one=action_id: self._run(one)  # noqa: E731
                yield Hit(score, matcher.highlight(title), run, help=Content(under))  # type: ignore[arg-type]


def _under(action: Action, off: str) -> str:
    """Return the line under a title: why the action is off now, or its key and command."""
    key = f"key {action.shown_key}   " if action.keys else ""
    return f"off: {off}" if off else f"{key}:{action.name}"
