"""The one way out: an endpoint elsewhere is asked here and nowhere else, when every rule lets it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import ExitStack
from decimal import Decimal

from aistack_backend.errors import BackendError, Refused, Unavailable
from aistack_backend.inference.providers import forms
from aistack_backend.inference.providers.breaker import NotAsked
from aistack_backend.inference.providers.models import Ask, Part
from aistack_backend.inference.providers.price import cost
from aistack_backend.inference.providers.service import Providers
from aistack_backend.orchestration.routing.budget import Budgets
from aistack_backend.orchestration.routing.models import Said
from aistack_backend.orchestration.routing.outbound import OutboundLog
from aistack_backend.orchestration.routing.private import Private
from aistack_backend.orchestration.routing.switch import Switch
from aistack_backend.wire.chat import Finish
from aistack_backend.wire.providerconfig import ProviderConfig
from aistack_backend.wire.providers import BreakerState

log = logging.getLogger(__name__)
ANSWERED = "answered"


class Far:
    """Belongs to one event loop."""

    def __init__(
        self,
        providers: Providers,
        configured: Sequence[ProviderConfig],
        switch: Switch,
        budgets: Budgets,
        log: OutboundLog,
        private: Private,
    ) -> None:
        """``configured``: those elsewhere, in the order in which they are asked."""
        self._providers = providers
        self._configured = {one.name: one for one in configured}
        self._switch, self._budgets, self._log, self._private = switch, budgets, log, private
        self._spending = asyncio.Lock()
        self._running: set[asyncio.Task[Part] | None] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closings = 0
        switch.on_close.append(self._closed)

    @property
    def names(self) -> tuple[str, ...]:
        """Who can be asked, in order."""
        return tuple(self._configured)

    def breaker(self, name: str) -> str:
        """Return why its breaker keeps it from being asked now; empty = it does not."""
        held = self._providers.status(name).breaker
        return held.last_error if held.state is BreakerState.OPEN else ""

    async def say(self, name: str, ask: Ask, question: str) -> Said:
        """Ask one; ``question`` ties what leaves to the question that it leaves for.

        Raises:
            Refused: the lock is closed, or something private is in it. OverBudget: it may cost more than is left.
            Unavailable: it could not be written down, or the endpoint does not answer. BadInput: see ``Providers``.
        """
        one = self._configured[name]
        self._loop = asyncio.get_running_loop()
        body = forms.chat(one, ask, stream=False)
        await asyncio.to_thread(self._may_leave, one, ask)
        with ExitStack() as held:
            async with self._spending:
                standing = await asyncio.to_thread(self._budgets.standing)
                held.enter_context(self._budgets.held(one, len(body), ask.max_tokens, standing))
            number = await asyncio.to_thread(self._log.begin, question, one, body)
            part = await self._sent(one, ask, number)
        amount = cost(one, part.tokens)
        return Said(
            text=part.text.strip(),
            model=one.model,
            tokens_in=part.tokens.read if part.tokens else None,
            tokens_out=part.tokens.written if part.tokens else None,
            cut=part.finish is Finish.LENGTH,
            cost=amount,
            currency=one.currency if isinstance(amount, Decimal) else "",
        )

    def _may_leave(self, one: ProviderConfig, ask: Ask) -> None:
        if (lock := self._switch.lock()).locked:
            raise Refused(f"Nothing may leave this machine. {lock.why}", kind="local-only")
        if found := self._private.kinds(turn.text for turn in ask.turns):
            raise Refused(f"What would go to {one.host} holds {named(found)}.", kind="private")

    async def _sent(self, one: ProviderConfig, ask: Ask, number: int) -> Part:
        outcome, task = "given up", None
        try:
            closed = self._closings
            lock = await asyncio.to_thread(self._switch.lock)
            if lock.locked or closed != self._closings:  # closed since it was looked at, if only for a moment
                raise Refused(f"Nothing may leave this machine. {lock.why}", kind="local-only")
            task = asyncio.ensure_future(self._providers.whole(one.name, ask))
            self._running.add(task)
            part = await task
            outcome = ANSWERED
            return part
        except asyncio.CancelledError:
            if task is not None and task.cancelled() and not _leaving():
                outcome = "cut off: the lock was closed"
                raise Unavailable(f"The lock was closed while {one.name} was asked; it was cut off.") from None
            if task is not None:
                task.cancel()
            raise
        except (NotAsked, Refused) as error:
            outcome = f"nothing left: {error.detail}"
            raise
        except BackendError as error:
            outcome = error.detail
            raise
        finally:
            self._running -= {task}
            await asyncio.shield(asyncio.to_thread(self._ended, number, outcome))

    def _ended(self, number: int, outcome: str) -> None:
        try:
            self._log.end(number, outcome)
        except BackendError as error:  # the row stands, and says that its end is not known
            log.warning("How request %d ended cannot be written down: %s", number, error.detail)

    def _closed(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        self._closings += 1
        for task in filter(None, tuple(self._running)):
            task.cancel()


def named(kinds: Sequence[str]) -> str:
    """Return kinds of private things in words, as ``an e-mail and a secret``."""
    words = [f"{'an' if one[0] in 'aeiouAEIOU' else 'a'} {one}" for one in kinds]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _leaving() -> bool:
    """Whether it is this very task that is being cancelled."""
    task = asyncio.current_task()
    return bool(task and task.cancelling())
