"""Which models there are: the catalogue, the operator's own file, and which of them was used last."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import psutil

from aistack_backend.errors import NotFound
from aistack_backend.inference.catalogue import MODELS, SMALL, Model
from aistack_backend.inference.fetch import model_file
from aistack_backend.inference.gguf import Header, read_header
from aistack_backend.inference.models import BadModel, InferenceSettings
from aistack_backend.wire.models import ModelCard

OWN = "own-file"
"""Card id of the operator's own GGUF file."""
OVERHEAD = 350_000_000
"""Bytes beside the weights for a model that is not here yet: keys, values, buffers, the process (measured: 0.3 GB)."""


class Shelf:
    """Reads the disk at each call; call it from a thread."""

    def __init__(self, settings: InferenceSettings, data: Path, cache: Path) -> None:
        self._settings, self._cache = settings, cache
        self._note = data / "inference" / "model.json"

    def path(self, card_id: str) -> Path | None:
        """Return the file of a model, or None when it must be fetched first.

        Raises:
            NotFound: there is no such model.
        """
        if card_id == OWN and self._settings.model_path:
            return Path(self._settings.model_path).expanduser()
        found = model_file(self._cache, self.model(card_id))
        return found if found.is_file() else None

    def model(self, card_id: str) -> Model:
        """Return a model of the catalogue.

        Raises:
            NotFound: there is no such model.
        """
        for one in MODELS:
            if one.id == card_id:
                return one
        raise NotFound(f"There is no model {card_id}.", f"Known: {', '.join(one.id for one in MODELS)}.")

    def first(self) -> str:
        """Return which model to load at the start: settings, else the one used last, else the small one."""
        if self._settings.model_path:
            return OWN
        for wanted in (self._settings.model, self._used()):
            if any(one.id == wanted for one in MODELS):
                return wanted
        return SMALL.id

    def used(self, card_id: str) -> None:
        """Remember the model for the next start. A full disk is no reason not to use it now."""
        temporary = self._note.with_suffix(".tmp")
        try:
            self._note.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps({"model": card_id}))
            temporary.replace(self._note)
        except OSError:
            return

    def cards(self, active: str, context: int) -> tuple[ModelCard, ...]:
        """Return every model as a card; ``needs`` and ``fits`` are for ``context`` tokens and the memory free now."""
        free = psutil.virtual_memory().available
        cards = [self._card(one, active, context, free) for one in MODELS]
        if self._settings.model_path:
            cards.insert(0, self._own(active, context, free))
        return tuple(cards)

    def _card(self, one: Model, active: str, context: int, free: int) -> ModelCard:
        file = model_file(self._cache, one)
        here = file.is_file()
        needs = _needs(file, context) if here else one.size + OVERHEAD
        return ModelCard(
            id=one.id,
            name=one.name,
            licence=one.licence,
            origin=one.origin,
            size=one.size,
            sha256=one.sha256,
            path=str(file) if here else "",
            fits=None if needs is None else needs <= free or one.id == active,
            needs=needs,
            active=one.id == active,
            note=one.note,
        )

    def _own(self, active: str, context: int, free: int) -> ModelCard:
        path = Path(self._settings.model_path).expanduser()
        try:
            header = _header(path)
        except BadModel as error:
            return ModelCard(
                id=OWN, name=path.name, licence="", origin="your file", size=0, path=str(path), note=error.detail
            )
        needs = header.memory(min(context, header.context_train or context))
        return ModelCard(
            id=OWN,
            name=header.name,
            licence=header.licence or "the file states none",
            origin="your file",
            size=header.size,
            path=str(path),
            fits=needs <= free or active == OWN,
            needs=needs,
            active=active == OWN,
        )

    def _used(self) -> str:
        try:
            return str(json.loads(self._note.read_text())["model"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""


def _needs(file: Path, context: int) -> int | None:
    try:
        return _header(file).memory(context)
    except BadModel:
        return None


def _header(file: Path) -> Header:
    try:
        found = file.stat()
    except OSError:
        return read_header(file)
    return _header_of(file, found.st_size, found.st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _header_of(file: Path, _size: int, _changed: int) -> Header:
    return read_header(file)
