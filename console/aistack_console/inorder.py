"""Keys typed in one burst act one after the other, each where the one before it left the focus.

Textual hands every key of a burst to the widget that has the focus when the burst arrives, before the first of them
has acted: ``/web`` pasted at once would open the filter and lose the word, and ``3``, space would miss the new screen.
``_post_message``, ``on_event``, ``_on_key`` and ``_mounted_event`` are Textual's private names: textual is pinned, and
the tests of this module fail when a new version changes them.
"""

from __future__ import annotations

import time
from collections.abc import Coroutine
from typing import Any
from weakref import WeakKeyDictionary

from textual import events
from textual.app import App
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget


class InOrder(App[int]):
    """The part of the app that sends a key again when the focus moved before it acted."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.last_key = 0.0
        """When the operator last pressed a key, by ``time.perf_counter``."""
        self._given: WeakKeyDictionary[events.Event, Widget] = WeakKeyDictionary()

    def _post_message(self, message: Message) -> Coroutine[Any, Any, bool]:
        """Note a key when Textual's reading thread brings it: the loop has yet to come round to it."""
        if isinstance(message, events.Key):
            self.last_key = time.perf_counter()
        return super()._post_message(message)

    @property
    def _taker(self) -> Widget:
        """Who gets a key now."""
        taker: Widget = self.focused or self.screen
        return taker

    async def on_event(self, event: events.Event) -> None:
        """Note who gets a key that came from the terminal."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            self.last_key = time.perf_counter()
            self._given[event] = self._taker
        await super().on_event(event)

    async def _on_key(self, event: events.Key) -> None:
        screen: Screen[Any] = self.screen
        if not screen.is_mounted:
            await screen._mounted_event.wait()
        taker = self._taker
        if self._given.pop(event, taker) is not taker:
            event.prevent_default()  # App's own handler, which is called after this one, would act on it here
            again = events.Key(event.key, event.character)
            self._given[again] = taker
            taker._forward_event(again)
