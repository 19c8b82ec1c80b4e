"""Continuous batching: several answers at once in one context, a step for all of them at a time. Child only.

Each step computes the newest token of every running answer first, then as much of the prompts as fits into ``CHUNK``:
a long prompt slows the others down, and never stops them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from aistack_backend.inference.answers import CannotAnswer, Progress, Step
from aistack_backend.inference.llama import ABORTED, CHUNK, LoadedModel
from aistack_backend.inference.models import Rank
from aistack_backend.inference.protocol import Order
from aistack_backend.inference.seats import Seats
from aistack_backend.inference.slot import Answer, Slot, common
from aistack_backend.wire.models import Slot as Shown

SLOTS = 8
"""Sequences; memory is planned for fewer full ones (``host.SLOTS``), so the longest of them wait for each other."""
FULL = 1
"""What ``llama_decode`` returns when it finds no room for the batch."""


class Batching:
    """Answers requests on a loaded model. ``cancelled`` says whether a request is wanted no more; it may be asked from
    within a computation."""

    def __init__(self, model: LoadedModel, cancelled: Callable[[int], bool]) -> None:
        self._model, self._cancelled = model, cancelled
        self._slots = [Slot(number) for number in range(model.sequences)]
        self._seats = Seats(len(self._slots), time.monotonic)
        self._steps = 0
        self._ready: tuple[int, list[int], int] = (0, [], 0)
        """The request whose prompt was made last, with the prompt: it may wait for room for many steps."""
        self._computing: tuple[int, ...] = ()
        model.abort = self._unwanted

    @property
    def context_size(self) -> int:
        """Tokens that one request may fill."""
        return self._model.context_size

    @property
    def description(self) -> str:
        """llama.cpp's words for the model."""
        return self._model.description

    @property
    def layers(self) -> tuple[int, int]:
        """Layers of the model, and how many of them a GPU computes."""
        return self._model.layers

    @property
    def gpu_able(self) -> bool:
        """Whether the engine was built to use a GPU."""
        return self._model.gpu_able

    @property
    def idle(self) -> bool:
        """Nothing runs and nothing waits."""
        return not len(self._seats) and all(slot.answer is None for slot in self._slots)

    @property
    def waiting(self) -> int:
        """Requests without a slot."""
        return len(self._seats)

    def places(self) -> dict[int, int]:
        """Return each request that waits, with how many others are served before it: those that run, and who is
        before it in the queue."""
        if not len(self._seats):
            return {}
        running = sum(slot.answer is not None for slot in self._slots)
        return {number: running + at for at, number in enumerate(self._seats.places())}

    def shown(self) -> tuple[Shown, ...]:
        """Return the slots as the screens show them; may be called from another thread."""
        return tuple(slot.shown() for slot in self._slots)

    def add(self, order: Order) -> None:
        """Take a request into the queue."""
        self._seats.add(order)

    def cancel(self, number: int) -> Iterator[Step]:
        """Drop a request, wherever it stands."""
        if self._seats.remove(number):
            yield Step(number, Progress(finish="cancelled"))
        for slot in self._slots:
            if slot.answer and slot.answer.order.id == number:
                yield self._end(slot, "cancelled")

    def step(self) -> Iterator[Step]:
        """Compute once for all that run; yield what came of it."""
        self._steps += 1
        yield from self._seat()
        batch = self._batch()
        if not batch:
            return
        self._computing = tuple(slot.answer.order.id for slot, _ in batch if slot.answer)
        outcome = self._model.decode([(slot.number, len(slot.held), tokens) for slot, tokens in batch])
        self._computing = ()
        if outcome == 0:
            yield from self._take(batch)
            return
        for slot, _ in batch:
            self._cut(slot, len(slot.held))
        if outcome == FULL and self._drop_oldest():
            return
        if outcome != ABORTED:
            for slot, _ in batch:
                yield self._end(slot, "", f"llama.cpp failed while computing (code {outcome}).")

    def _unwanted(self) -> bool:
        return any(self._cancelled(number) for number in self._computing)

    def _seat(self) -> Iterator[Step]:
        while any(slot.answer is None for slot in self._slots):
            agents = sum(1 for slot in self._slots if slot.answer and slot.answer.order.rank != Rank.PERSON)
            order = self._seats.next(agents)
            if order is None:
                return
            try:
                if self._ready[0] != order.id:
                    yield Step(order.id, Progress(), begun=True)  # now: what is being read may be what kills
                    self._ready = (order.id, *self._model.prompt(order))
                _, prompt, dropped = self._ready
                room = min(len(prompt) + order.max_tokens, self.context_size)
                taken = sum(slot.answer.room for slot in self._slots if slot.answer)
                if taken and taken + room > self._model.cells:
                    return  # it waits for an end
                self._seats.remove(order.id)
                sampler = self._model.sampler(order.temperature, order.grammar)
            except CannotAnswer as error:
                self._seats.remove(order.id)
                yield Step(order.id, Progress(), refused=str(error))
                continue
            slot = self._place(prompt)
            progress = Progress(prompt=len(prompt), reused=len(slot.held), dropped=dropped)
            slot.answer, slot.used_at = Answer(order, prompt, sampler, progress, room), self._steps

    def _place(self, prompt: list[int]) -> Slot:
        """Choose a free slot and leave in it what the prompt begins with; take that from another slot when it has
        more of it."""
        free = [slot for slot in self._slots if slot.answer is None]
        best = max(self._slots, key=lambda slot: common(slot.held, prompt[:-1]))
        same = common(best.held, prompt[:-1])
        if best.answer is None and (2 * same >= len(best.held) or len(free) == 1):
            self._cut(best, same)
            return best
        others = [slot for slot in free if slot is not best]
        slot = min(others, key=lambda one: (bool(one.held), one.used_at))
        if common(slot.held, prompt[:-1]) >= same or not self._model.share(best.number, slot.number, same):
            self._cut(slot, common(slot.held, prompt[:-1]))
        else:
            slot.held = prompt[:same]
        return slot

    def _batch(self) -> list[tuple[Slot, list[int]]]:
        running = [slot for slot in self._slots if slot.answer]
        running.sort(key=lambda one: (one.answer.token is None, one.answer.order.rank) if one.answer else (True, 9))
        batch, left = [], CHUNK
        for slot in running:
            if tokens := slot.due()[:left]:
                batch.append((slot, tokens))
                left -= len(tokens)
        while sum(len(slot.held) for slot in self._slots) + CHUNK - left > self._model.cells and self._drop_oldest():
            pass
        return batch

    def _take(self, batch: list[tuple[Slot, list[int]]]) -> Iterator[Step]:
        at = -1
        for slot, tokens in batch:
            at += len(tokens)
            slot.held += tokens
            answer = slot.answer
            if answer is not None and len(slot.held) >= len(answer.prompt):
                yield self._sample(slot, answer, at)

    def _sample(self, slot: Slot, answer: Answer, at: int) -> Step:
        progress = answer.progress
        try:
            token = answer.sampler.sample(at)
        except CannotAnswer as error:
            return self._end(slot, "", str(error))
        if self._model.ends(token):
            return self._end(slot, "stop")
        progress.last_at = time.monotonic()
        progress.first_at = progress.first_at or progress.last_at
        progress.tokens += 1
        answer.token = token
        piece = answer.text.decode(self._model.piece(token))
        if progress.tokens >= answer.order.max_tokens or len(slot.held) + 1 >= answer.room:
            return self._end(slot, "length", piece=piece)
        return Step(answer.order.id, progress, text=piece, used=len(slot.held))

    def _end(self, slot: Slot, finish: str, refused: str = "", piece: str = "") -> Step:
        answer = slot.answer
        assert answer is not None  # noqa: S101
        answer.progress.finish = finish
        answer.sampler.close()
        slot.answer = None
        text = piece + answer.text.decode(b"", final=True)
        return Step(answer.order.id, answer.progress, text=text, refused=refused, used=len(slot.held))

    def _cut(self, slot: Slot, keep: int) -> None:
        if self._model.forget(slot.number, keep):
            del slot.held[keep:]
        else:  # some architectures cannot cut in the middle
            slot.held.clear()

    def _drop_oldest(self) -> bool:
        idle = [slot for slot in self._slots if slot.answer is None and slot.held]
        if not idle:
            return False
        self._cut(min(idle, key=lambda one: one.used_at), 0)
        return True
