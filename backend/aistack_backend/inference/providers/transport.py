"""What an endpoint can be asked: chat completions streamed or whole, embeddings, its list of models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from aistack_backend.clock import Clock
from aistack_backend.inference.download import resolve
from aistack_backend.inference.providers import forms
from aistack_backend.inference.providers.exchange import Answer, Exchange
from aistack_backend.inference.providers.faults import ProviderDown
from aistack_backend.inference.providers.models import Ask, Part, Tokens, Vectors
from aistack_backend.inference.providers.reach import Resolve
from aistack_backend.inference.providers.sse import Events, TooLong
from aistack_backend.wire.chat import Finish
from aistack_backend.wire.providerconfig import ProviderConfig


class Transport:
    """Asks one endpoint. All that comes is untrusted text. Every method raises BadInput for a key file that cannot be
    used, ``Rejected`` for what the endpoint refuses, and ``ProviderDown`` for what is no answer."""

    def __init__(self, provider: ProviderConfig, clock: Clock, resolver: Resolve = resolve) -> None:
        self.provider = provider
        self._exchange = Exchange(provider, clock, resolver)

    async def stream(self, ask: Ask) -> AsyncGenerator[Part, None]:
        """Yield an answer as it comes; the last part has ``finish``. Closing the iterator cancels."""
        began = asyncio.get_running_loop().time()
        body = forms.chat(self.provider, ask, stream=True)
        async with self._exchange.opened("POST", "/chat/completions", body) as answer:
            if not answer.is_stream:  # some do not stream: what they give is taken whole
                yield self._whole(answer, await answer.whole(), began)
                return
            async with aclosing(_Stream(self.provider.host, answer, began).parts()) as parts:
                async for part in parts:
                    yield part

    async def whole(self, ask: Ask) -> Part:
        """Return an answer in one part."""
        began = asyncio.get_running_loop().time()
        body = forms.chat(self.provider, ask, stream=False)
        async with self._exchange.opened("POST", "/chat/completions", body) as answer:
            return self._whole(answer, await answer.whole(), began)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one vector a text."""
        async with self._exchange.opened("POST", "/embeddings", forms.embed(self.provider, texts)) as answer:
            data = await answer.whole()
        try:
            return forms.vectors(forms.read(data, forms.Embedded), len(texts))
        except forms.OtherForm as error:
            raise self._other("embeddings", error) from error

    async def models(self) -> tuple[str, ...]:
        """Return the names of its models, as it lists them."""
        async with self._exchange.opened("GET", "/models") as answer:
            data = await answer.whole()
        try:
            return forms.read(data, forms.ModelNames).names
        except forms.OtherForm as error:
            raise self._other("list of models", error) from error

    def _whole(self, answer: Answer, data: bytes, began: float) -> Part:
        try:
            said = forms.read(data, forms.Completion)
        except forms.OtherForm as error:
            raise self._other("chat completion", error) from error
        if said.error:
            raise answer.fault(said.error)
        if not said.choices:
            raise ProviderDown(f"{self.provider.host} answers without a choice.")
        choice, after = said.choices[0], asyncio.get_running_loop().time() - began
        finish = choice.finish or Finish.STOP
        return Part(text=choice.text, finish=finish, tokens=said.tokens, first_after=after, streamed=False)

    def _other(self, form: str, error: Exception) -> ProviderDown:
        return ProviderDown(f"What {self.provider.host} answers is no {form}: {error}.")


class _Stream:
    """Reads one streamed answer."""

    def __init__(self, host: str, answer: Answer, began: float) -> None:
        self._host, self._answer, self._began = host, answer, began
        self._finish: Finish | None = None
        self._tokens: Tokens | None = None
        self._first: float | None = None

    async def parts(self) -> AsyncGenerator[Part, None]:
        """Yield the text as it comes, and in the end a part with ``finish``; what follows ``[DONE]`` is not read."""
        async with aclosing(self._events()) as events:
            async for data in events:
                if data.strip() == b"[DONE]":
                    self._finish = self._finish or Finish.STOP
                    break
                if text := self._text(data):
                    yield Part(text=text)
        if self._finish is None:
            raise ProviderDown(f"{self._host} broke off in the middle of its answer.")
        yield Part(finish=self._finish, tokens=self._tokens, first_after=self._first)

    async def _events(self) -> AsyncGenerator[bytes, None]:
        events = Events()
        async with aclosing(self._answer.blocks()) as blocks:
            async for block in blocks:
                try:
                    for data in events.take(block):
                        yield data
                except TooLong as error:
                    raise ProviderDown(f"What {self._host} streams is too long: {error}.") from error

    def _text(self, data: bytes) -> str:
        """Take one event in; return the text that it brings."""
        try:
            said = forms.read(data, forms.Completion)
        except forms.OtherForm as error:
            raise ProviderDown(f"What {self._host} streams is no chat completion: {error}.") from error
        if said.error:
            raise self._answer.fault(said.error)
        self._tokens = said.tokens or self._tokens
        if not said.choices:
            return ""
        choice = said.choices[0]
        self._finish = choice.finish or self._finish
        if choice.text and self._first is None:
            self._first = asyncio.get_running_loop().time() - self._began
        return choice.text
