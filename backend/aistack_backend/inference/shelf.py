"""Which models there are: the catalogue, the operator's own file, what the stores of this machine hold; and which of
them was used last."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from aistack_backend.clock import SystemClock
from aistack_backend.errors import BadInput, Conflict, NotFound
from aistack_backend.inference import cards
from aistack_backend.inference.cards import OWN, Room
from aistack_backend.inference.catalogue import MODELS, SMALL, Model
from aistack_backend.inference.entries import Entry, entries
from aistack_backend.inference.facts import Facts
from aistack_backend.inference.fetch import model_file
from aistack_backend.inference.models import InferenceSettings
from aistack_backend.inference.stores import OURS, Found, stores
from aistack_backend.wire.models import ModelCard
from aistack_backend.wire.shelf import StoreLook

__all__ = ["OWN", "Shelf"]


class Shelf:
    """Reads the disk; call it from a thread. What other programs keep is known from the last ``look``."""

    def __init__(
        self,
        settings: InferenceSettings,
        data: Path,
        cache: Path,
        facts: Facts | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._settings, self._cache = settings, cache
        self._note = data / "inference" / "model.json"
        self.facts = facts or Facts(None, SystemClock())
        self._stores = stores(environ, cache, settings.folders, settings.stores)
        self._looking = threading.Lock()
        self._found: tuple[Found, ...] = ()
        self.entries: tuple[Entry, ...] = ()
        """Every model file that the last look saw."""
        self.looks: tuple[StoreLook, ...] = ()
        self.looked = False

    def look(self) -> None:
        """Look through every store anew."""
        with self._looking:
            seen = [store.find() for store in self._stores]
            self._found = tuple(one for found, _ in seen for one in found)
            self.entries = entries(self._found, self.facts)
            self.looks = tuple(look for _, look in seen if look)
            self.looked = True
        self.facts.save()

    def sort_again(self) -> None:
        """Bring together what turned out to be the same file, without looking at the disk anew."""
        with self._looking:
            self.entries = entries(self._found, self.facts)

    def path(self, card_id: str) -> Path | None:
        """Return the file of a model, or None when it must be fetched first.

        Raises:
            NotFound: there is no such model.
        """
        if card_id == OWN and self._settings.model_path:
            return self._own
        if known := next((one for one in MODELS if one.id == card_id), None):
            found = model_file(self._cache, known)
            entry = self._entry_of(known)
            return found if found.is_file() else entry.path if entry else None
        if entry := self.entry(card_id):
            return entry.path
        last, path = self._last_used()
        if last == card_id and path and path.is_file():
            return path
        if not self.looked:
            self.look()
            return self.path(card_id)
        raise NotFound(f"There is no model {card_id}.", "aistack-console models lists them.")

    def model(self, card_id: str) -> Model:
        """Return a model of the catalogue.

        Raises:
            NotFound: there is no such model.
        """
        for one in MODELS:
            if one.id == card_id:
                return one
        raise NotFound(f"There is no model {card_id}.", f"Known: {', '.join(one.id for one in MODELS)}.")

    def entry(self, card_id: str) -> Entry | None:
        """Return a model file by its id, None when there is none of it."""
        return next((one for one in self.entries if one.id == card_id), None)

    def usable(self, card_id: str) -> None:
        """Say no to a model that cannot chat.

        Raises:
            NotFound: there is no such model. Conflict: it is not here. BadInput: it cannot chat; the sentence says why.
        """
        path = self.path(card_id)
        if known := next((one for one in MODELS if one.id == card_id and cards.cannot_by_kind(one)), None):
            raise BadInput(f"{card_id} cannot be used: {cards.cannot_by_kind(known)}", "Choose an instruct model.")
        if path is None:
            raise Conflict(f"{self.model(card_id).name} is not on this machine.", "Fetch it first.")
        entry = self.entry(card_id)
        if why := cards.cannot_chat(entry.facts if entry else self.facts.of(path)):
            raise BadInput(f"{card_id} cannot be used: {why}", "Choose an instruct model.")

    def first(self) -> str:
        """Return which model to load at the start: settings, else the one used last, else the small one."""
        if self._settings.model_path:
            return OWN
        last, _ = self._last_used()
        for wanted in (self._settings.model, last):
            if wanted and self._is_here_or_known(wanted):
                return wanted
        return SMALL.id

    def used(self, card_id: str) -> None:
        """Remember the model for the next start. A full disk is no reason not to use it now."""
        temporary = self._note.with_suffix(".tmp")
        path = "" if any(one.id == card_id for one in MODELS) else str(self.path(card_id) or "")
        try:
            self._note.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps({"model": card_id, "path": path}))
            temporary.replace(self._note)
        except OSError:
            return

    def cards(self, active: str, context: int, *, loading: bool = False) -> tuple[ModelCard, ...]:
        """Return the catalogue, the operator's own file and the active model as cards, for ``context`` tokens."""
        room = replace(Room.measure(active, context), loading=loading)
        found = [self._of_catalogue(one, room) for one in MODELS]
        if self._settings.model_path:
            found.insert(0, self._of_own(room))
        if (entry := self.entry(active)) and all(card.id != active for card in found):
            found.insert(0, cards.of_entry(entry, room))
        return tuple(found)

    def all(self, room: Room) -> Iterator[ModelCard]:
        """Yield every model as a card."""
        shown = {id(entry) for one in MODELS if (entry := self._entry_of(one))}
        if self._settings.model_path:
            if entry := self._own_entry():
                shown.add(id(entry))
            yield self._of_own(room)
        for one in MODELS:
            yield self._of_catalogue(one, room)
        for entry in self.entries:
            if id(entry) not in shown:
                yield cards.of_entry(entry, room)

    def _of_catalogue(self, one: Model, room: Room) -> ModelCard:
        file = model_file(self._cache, one)
        entry = self._entry_of(one)
        if file.is_file():
            return cards.of_catalogue(one, room, entry, file, self.facts.of(file))
        return cards.of_catalogue(one, room, entry, entry.path if entry else None, entry.facts if entry else None)

    def _of_own(self, room: Room) -> ModelCard:
        return cards.of_own(self._own, room, self._own_entry(), self.facts.of(self._own))

    @property
    def _own(self) -> Path:
        return Path(self._settings.model_path).expanduser()

    def _own_entry(self) -> Entry | None:
        key = self.facts.of(self._own).key
        return next((one for one in self.entries if key and one.facts.key == key), None)

    def _entry_of(self, one: Model) -> Entry | None:
        """Return the file that is this model: ours, which was verified as it was fetched, or one with its sha256."""
        ours = model_file(self._cache, one)
        for entry in self.entries:
            mine = any(place.store == OURS and place.path == ours for place in entry.places)
            if mine or entry.facts.sha256 == one.sha256:
                return entry
        return None

    def _is_here_or_known(self, card_id: str) -> bool:
        try:
            self.path(card_id)
        except NotFound:
            return False
        return True

    def _last_used(self) -> tuple[str, Path | None]:
        try:
            said = json.loads(self._note.read_text())
            return str(said["model"]), Path(said["path"]) if said.get("path") else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return "", None
