"""One endpoint with its breaker: every call passes here, and what became of it is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass

from opentelemetry.trace import INVALID_SPAN, Span

from aistack_backend import tracing
from aistack_backend.clock import Clock
from aistack_backend.inference.download import resolve
from aistack_backend.inference.providers import price
from aistack_backend.inference.providers.breaker import Attempt, Breaker
from aistack_backend.inference.providers.faults import Busy, ProviderDown, Rejected
from aistack_backend.inference.providers.models import Ask, Part, Tokens, Vectors
from aistack_backend.inference.providers.reach import Resolve
from aistack_backend.inference.providers.transport import Transport
from aistack_backend.wire.providerconfig import ProviderConfig
from aistack_backend.wire.providers import Latency, Use


@dataclass(slots=True)
class _Call:
    """One call on its way."""

    begun: bool = False
    """Text came: whoever leaves now leaves an answer behind that may be billed."""
    over: bool = False
    span: Span = INVALID_SPAN


class Line:
    """Raises what ``Transport`` raises, and ``NotAsked`` while the breaker is open. Belongs to one event loop."""

    def __init__(
        self, provider: ProviderConfig, clock: Clock, count: Callable[[Use], None], resolver: Resolve = resolve
    ) -> None:
        """``count`` takes what each call brought."""
        self.provider = provider
        self.breaker = Breaker(provider.name, clock)
        self.latency: Latency | None = None
        self._transport = Transport(provider, clock, resolver)
        self._clock, self._add = clock, count

    async def stream(self, ask: Ask, *, person: bool = False) -> AsyncGenerator[Part, None]:
        """See ``Transport.stream``; ``person``: asked for by a person who wants to see whether it answers."""
        with self._calling(person) as (attempt, call):
            async with aclosing(self._transport.stream(ask)) as parts:
                async for part in parts:
                    call.begun = True
                    if part.finish is not None:
                        self._ended(attempt, call, part)
                    yield part

    async def whole(self, ask: Ask) -> Part:
        """See ``Transport.whole``."""
        with self._calling() as (attempt, call):
            part = await self._transport.whole(ask)
            self._ended(attempt, call, part)
            return part

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """See ``Transport.embed``."""
        began = asyncio.get_running_loop().time()
        with self._calling() as (attempt, call):
            found = await self._transport.embed(texts)
            self._measured(asyncio.get_running_loop().time() - began, "embeddings")
            self._well(attempt, call, found.tokens)
            return found

    async def models(self, *, person: bool = False) -> tuple[str, ...]:
        """See ``Transport.models``; it costs nothing and counts as no answer."""
        began = asyncio.get_running_loop().time()
        with self._calling(person) as (attempt, call):
            found = await self._transport.models()
            self._measured(asyncio.get_running_loop().time() - began, "models")
            self.breaker.succeeded(attempt)
            call.over = True
            return found

    @contextmanager
    def _calling(self, person: bool = False) -> Iterator[tuple[Attempt, _Call]]:
        attempt, call = self.breaker.enter(person=person), _Call()
        call.span = tracing.part("provider.call", provider=self.provider.name, model=self.provider.model)
        try:
            yield attempt, call
        except Rejected as error:
            tracing.failed(call.span, type(error).__name__)
            self.breaker.succeeded(attempt)  # it answers; it is our request that it does not like
            self._count(failures=1)
            raise
        except ProviderDown as error:
            tracing.failed(call.span, type(error).__name__)
            self.breaker.failed(attempt, error.detail, error.wait if isinstance(error, Busy) else None)
            self._count(answers=int(call.begun), failures=1)
            raise
        except BaseException:
            if not call.over:
                self.breaker.left(attempt)
                self._count(answers=int(call.begun))
            raise
        finally:
            call.span.end()

    def _ended(self, attempt: Attempt, call: _Call, part: Part) -> None:
        if part.first_after is not None:
            self._measured(part.first_after, "first text" if part.streamed else "answer")
        self._well(attempt, call, part.tokens)

    def _well(self, attempt: Attempt, call: _Call, tokens: Tokens | None) -> None:
        call.over = True
        if tokens:
            call.span.set_attributes({"tokens in": tokens.read, "tokens out": tokens.written})
        self.breaker.succeeded(attempt)
        self._count(answers=1, tokens=tokens)

    def _measured(self, seconds: float, what: str) -> None:
        self.latency = Latency(at=self._clock.now(), seconds=seconds, what=what)

    def _count(self, *, answers: int = 0, failures: int = 0, tokens: Tokens | None = None) -> None:
        if not answers and not failures:
            return
        cost = price.cost(self.provider, tokens)
        self._add(
            Use(
                answers=answers,
                failures=failures,
                counted=int(tokens is not None),
                tokens_in=tokens.read if tokens else 0,
                tokens_out=tokens.written if tokens else 0,
                priced=int(cost is not None),
                cost=price.shown(cost),
                currency=self.provider.currency,
            )
        )
