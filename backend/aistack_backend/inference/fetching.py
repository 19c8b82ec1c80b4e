"""The fetches that people asked for: each in a thread, with progress, stopped by its id, and taken up again later."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError, Conflict, NotFound
from aistack_backend.inference.catalogue import Model
from aistack_backend.inference.download import Rules, download
from aistack_backend.inference.entries import entry_id
from aistack_backend.inference.fetch import fetch
from aistack_backend.inference.halves import Half
from aistack_backend.inference.packages import Stopper, only_one
from aistack_backend.inference.progress import Tell
from aistack_backend.inference.source import Source
from aistack_backend.inference.splits import place
from aistack_backend.inference.stages import Stages
from aistack_backend.inference.stores import NOTE, OURS, Found
from aistack_backend.wire.models import ModelCard, ModelPlace, Stage


@dataclass(frozen=True, slots=True)
class Unfinished:
    """One model of which not all is here."""

    source: Source
    folder: Path

    @property
    def id(self) -> str:
        """The id that it will have when it is whole."""
        first = self.source.parts()[0].file
        return entry_id(Found(store=OURS, path=self.folder / first, name=place(first)[0]))

    @property
    def have(self) -> int:
        """Bytes that are here."""
        names = [one.file for one in self.source.parts()]
        files = [self.folder / f"{name}{end}" for name in names for end in ("", ".part")]
        return sum(file.stat().st_size for file in files if file.is_file())

    @property
    def size(self) -> int:
        """Bytes that it will have, as far as a server has said so; never less than what is here."""
        files = [self.folder / one.file for one in self.source.parts()]
        halves = (Half(file).total or 0 for file in files if not file.is_file())
        return max(sum(file.stat().st_size for file in files if file.is_file()) + sum(halves), self.have)

    @property
    def whole(self) -> bool:
        """Nothing is missing."""
        return all((self.folder / one.file).is_file() for one in self.source.parts())

    def card(self, fetching: bool) -> ModelCard:
        """Return it as the screens show it."""
        return ModelCard(
            id=self.id,
            name=place(self.source.file)[0],
            licence="",
            origin=self.source.origin,
            size=self.size,
            sha256=self.source.sha256,
            places=(ModelPlace(store=OURS, path=str(self.folder), name=self.source.url),),
            parts=len(self.source.parts()),
            removable=True,
            have=self.have,
            fetching=fetching,
        )


class Fetches:
    """``begin``, ``catalogue`` and ``stop`` belong to one event loop; the rest may be called from any thread."""

    def __init__(self, cache: Path, most: int, clock: Clock, changed: Callable[[], None]) -> None:
        """``changed`` is called from any thread when there is something new to show."""
        self._cache, self._rules = cache, Rules(most=most)
        self._stages, self._changed = Stages(clock, changed), changed
        self._running: dict[str, Stopper] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> frozenset[str]:
        """Ids of the models that are on their way."""
        return frozenset(self._running)

    def stages(self) -> tuple[Stage, ...]:
        """Return every fetch since the start, with its measured progress."""
        return self._stages.all()

    def unfinished(self) -> tuple[Unfinished, ...]:
        """Return what was begun and is not whole."""
        found = []
        for note in sorted((self._cache / "models" / "fetched").glob(f"*/{NOTE}")):
            try:
                one = Unfinished(Source(**json.loads(note.read_text())["source"]), note.parent)
                if not one.whole or one.id in self._running:  # it has come, and was not yet looked at
                    found.append(one)
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return tuple(found)

    def begin(self, source: Source, ended: Callable[[], object]) -> str:
        """Begin to fetch, or go on; return the id. ``ended`` is called from a thread when it is whole.

        Raises:
            Conflict: it is here, or on its way.
        """
        one = Unfinished(source, self._cache / "models" / "fetched" / source.key)
        if one.whole:
            raise Conflict(f"{source.file} is here already.", f"Use it: {one.id}.")
        self._spawn(one.id, f"model {source.file}", lambda tell, stopper: self._fetch(one, tell, stopper), ended)
        return one.id

    def catalogue(self, wanted: Model, ended: Callable[[], object]) -> None:
        """Begin to fetch a model of the catalogue; Conflict when it is on its way."""
        self._spawn(
            wanted.id, f"model {wanted.name}", lambda tell, stopper: fetch(wanted, self._cache, tell, stopper), ended
        )

    def cancel(self, card_id: str) -> None:
        """Stop one; what came so far is kept.

        Raises:
            NotFound: nothing is being fetched under that id.
        """
        if (stopper := self._running.get(card_id)) is None:
            raise NotFound(f"{card_id} is not being fetched.", "aistack-console models lists what is.")
        stopper.stop()

    async def stop(self) -> None:
        """Stop all of them, and wait."""
        for stopper in tuple(self._running.values()):
            stopper.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _fetch(self, one: Unfinished, tell: Tell, stopper: Stopper) -> Path:
        one.folder.mkdir(parents=True, exist_ok=True)
        temporary = one.folder / f"{NOTE}.tmp"
        temporary.write_text(json.dumps({"source": asdict(one.source)}))
        temporary.rename(one.folder / NOTE)
        with only_one(one.folder / "lock", f"model {one.source.file}", tell, stopper):
            try:
                wanted = one.source.parts()
                paths = [download(part, one.folder / part.file, self._rules, tell, stopper) for part in wanted]
            except BackendError:
                if not one.have:  # nothing to go on with
                    shutil.rmtree(one.folder, ignore_errors=True)
                raise
        return paths[0]

    def _spawn(
        self, card_id: str, name: str, work: Callable[[Tell, Stopper], Path], ended: Callable[[], object]
    ) -> None:
        if card_id in self._running:
            raise Conflict(f"{card_id} is being fetched already.")
        self._running[card_id] = Stopper()
        task = asyncio.get_running_loop().create_task(self._run(card_id, name, work, ended))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(
        self, card_id: str, name: str, work: Callable[[Tell, Stopper], Path], ended: Callable[[], object]
    ) -> None:
        job = self._stages.job()
        try:
            await asyncio.to_thread(work, job, self._running[card_id])
        except BackendError as error:
            job.fail(name, f"{error.detail} {error.hint}".strip())
        except OSError as error:
            job.fail(name, f"It cannot be stored: {error.strerror or error}.")
        else:
            job.finish()
        finally:
            await asyncio.shield(asyncio.to_thread(ended))
            del self._running[card_id]
            await asyncio.to_thread(self._changed)
