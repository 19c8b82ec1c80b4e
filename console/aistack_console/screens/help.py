"""Help: the keys of the screen below, from the registry, with the reason where one is off."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from aistack_console.keys import GLOBAL, PLACES, Action, shown
from aistack_console.present.help import Key, help_paras
from aistack_console.present.para import Para
from aistack_console.screens.base import BaseScreen
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line

if TYPE_CHECKING:
    from textual.app import App


class HelpScreen(ModalScreen[None]):
    """A page of keys over the screen they belong to."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen > Vertical { width: 90%; max-width: 100; height: 90%; border: solid $border; background: $surface;
                            padding: 0 1; }
    HelpScreen Detail { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss", "Close", show=False, id="help.close"),
    ]
    AUTO_FOCUS = "Detail"

    def __init__(self, paras: tuple[Para, ...]) -> None:
        super().__init__()
        self._paras = paras

    def compose(self) -> ComposeResult:
        """Lay out the page."""
        with Vertical():
            yield Line()
            yield Detail()

    def on_mount(self) -> None:
        """Fill the page."""
        self.query_one(Line).show([("Keys", "accent"), ("   j k scroll, Esc closes", "dim")])
        self.query_one(Detail).show(self._paras)


def page(screen: BaseScreen) -> tuple[Para, ...]:
    """Return the help of a screen as it is now."""
    registry = screen.console.registry
    place = next((one.title for one in PLACES if one.name == screen.NAME), screen.NAME)
    here = [_key(screen, one) for one in registry.of(screen.NAME)]
    return help_paras(place, here, [_key(screen, one) for one in registry.of(GLOBAL)])


def _key(screen: BaseScreen, one: Action) -> Key:
    keys = " ".join(shown(key) for key in one.keys.split(",") if key)
    return Key(keys=keys, title=one.title, command=one.name, off=screen.reason(one))


def open_help(app: App[int]) -> None:
    """Show the help of the current screen."""
    if isinstance(app.screen, BaseScreen):
        app.push_screen(HelpScreen(page(app.screen)))
