"""One request to an endpoint: its key read for it, its address looked at, bounded in time and size, not redirected."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aistack_backend.address import literal
from aistack_backend.clock import Clock
from aistack_backend.inference.download import resolve
from aistack_backend.inference.providers import faults
from aistack_backend.inference.providers.faults import ProviderDown
from aistack_backend.inference.providers.reach import Resolve, addresses
from aistack_backend.inference.remote import key
from aistack_backend.wire.providerconfig import ProviderConfig

if TYPE_CHECKING:
    import httpx

LARGEST = 16 << 20
"""Bytes of one answer, streamed or whole."""
ERROR = 64 << 10
"""Bytes that are read of an answer that tells of an error."""
AGENT = "aistack-console (providers)"


class Exchange:
    """Sends one request at a time of many; holds no key and no connection between them."""

    def __init__(self, provider: ProviderConfig, clock: Clock, resolver: Resolve = resolve) -> None:
        self.provider = provider
        self._clock, self._resolver = clock, resolver
        self._tls: ssl.SSLContext | None = None

    @asynccontextmanager
    async def opened(self, method: str, path: str, body: bytes = b"") -> AsyncIterator[Answer]:
        """Give the answer once its head is there and says 200; leaving cancels what is still to come.

        Raises:
            BadInput: the key's file cannot be used. ProviderDown: see :mod:`~.faults`; Rejected likewise.
        """
        import httpx  # a tenth of a second, and only here

        provider, deadline = self.provider, asyncio.get_running_loop().time() + self.provider.timeout
        secret = await asyncio.to_thread(key, provider.key_file) if provider.key_file else ""
        timeout = httpx.Timeout(provider.read_timeout, connect=provider.connect_timeout)
        tls = await self._trusted()
        async with httpx.AsyncClient(
            timeout=timeout, trust_env=False, follow_redirects=False, verify=tls or False
        ) as client:
            response = await self._sent(client, method, path, body, secret, deadline)
            answer = Answer(provider, response, deadline, secret)
            try:
                await self._well(answer, secret)
                yield answer
            finally:
                await answer.close()

    async def _trusted(self) -> ssl.SSLContext | None:
        """Return the machine's certificates, read once; None for http."""
        import httpx

        if self.provider.url.startswith("https:") and self._tls is None:
            self._tls = await asyncio.to_thread(httpx.create_ssl_context, trust_env=False)
        return self._tls

    async def _sent(
        self, client: httpx.AsyncClient, method: str, path: str, body: bytes, secret: str, deadline: float
    ) -> httpx.Response:
        import httpx

        provider = self.provider
        url, host = httpx.URL(f"{provider.url}{path}"), urlsplit(provider.url).hostname or ""
        headers = {"Host": provider.host, "User-Agent": AGENT, "Accept-Encoding": "identity"}
        headers |= {"Content-Type": "application/json"} if body else {}
        headers |= {"Authorization": f"Bearer {secret}"} if secret else {}
        names = {"sni_hostname": host} if literal(host) is None else {}
        said = "no connection"
        for address in await addresses(provider, self._resolver):
            request = client.build_request(
                method, url.copy_with(host=address), content=body, headers=headers, extensions=names
            )
            try:
                async with _mapped(provider, deadline):
                    return await client.send(request, stream=True)
            except _Unreached as error:
                said = str(error)
        raise ProviderDown(f"{provider.host} does not answer: {said}.")

    async def _well(self, answer: Answer, secret: str) -> None:
        if answer.status != 200:
            body = b""
            with suppress(ProviderDown):  # its status is known, its words are extra
                body = await answer.whole(ERROR)
            raise faults.of_status(
                self.provider.host,
                answer.status,
                answer.headers,
                body,
                key=secret,
                key_file=self.provider.key_file,
                now=self._clock.now(),
            )
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise ProviderDown(f"{self.provider.host} answers packed, which it was not asked for.")


class Answer:
    """The head of an answer, and its body as it comes."""

    def __init__(self, provider: ProviderConfig, response: httpx.Response, deadline: float, secret: str) -> None:
        self._provider, self._response, self._deadline = provider, response, deadline
        self._secret = secret
        self.status = response.status_code
        self.headers = response.headers

    @property
    def is_stream(self) -> bool:
        """Whether it comes as events."""
        return str(self.headers.get("content-type", "")).startswith("text/event-stream")

    async def blocks(self, most: int = 0) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes.

        Raises:
            ProviderDown: it breaks off, is silent or lasts for too long, or is over ``most`` bytes (0 = ``LARGEST``).
        """
        size, most = 0, most or LARGEST
        async with aclosing(self._response.aiter_raw()) as raw:  # type: ignore[type-var]
            while True:
                async with _mapped(self._provider, self._deadline, begun=True):
                    block = await anext(raw, None)
                if block is None:
                    return
                size += len(block)
                if size > most:
                    raise ProviderDown(f"The answer of {self._provider.host} is over {most} bytes.")
                yield block

    async def whole(self, most: int = 0) -> bytes:
        """Return the body. Raises as ``blocks``."""
        found = bytearray()
        async with aclosing(self.blocks(most)) as blocks:
            async for block in blocks:
                found += block
        return bytes(found)

    def fault(self, error: Any) -> ProviderDown:
        """Return the fault of an error that came within an answer of 200."""
        words = faults.words({"error": error}, self._secret) or "an error without words"
        return ProviderDown(f"{self._provider.host} answers with an error: {words.rstrip('.')}.")

    async def close(self) -> None:
        """Let the connection go."""
        await self._response.aclose()


class _Unreached(Exception):
    """No connection stands; another address may be tried."""


@asynccontextmanager
async def _mapped(provider: ProviderConfig, deadline: float, *, begun: bool = False) -> AsyncIterator[None]:
    """Bound one step in time, and tell what the network did as one of our faults."""
    import httpx

    left = "broke off in the middle of its answer" if begun else "does not answer"
    try:
        async with asyncio.timeout_at(deadline):
            yield
    except (httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise _Unreached(f"no connection within {provider.connect_timeout:g} s") from error
    except httpx.ConnectError as error:
        raise _Unreached(str(error).rstrip(".") or "no connection") from error
    except httpx.TimeoutException as error:
        raise ProviderDown(f"{provider.host} sent nothing for {provider.read_timeout:g} s.") from error
    except TimeoutError as error:
        raise ProviderDown(f"{provider.host} did not end its answer within {provider.timeout:g} s.") from error
    except httpx.ProtocolError as error:  # its own words are the endpoint's bytes: they are not repeated
        raise ProviderDown(f"{provider.host} {left}: what it sends is no HTTP, or ends too early.") from error
    except httpx.HTTPError as error:
        raise ProviderDown(f"{provider.host} {left}: the connection broke ({type(error).__name__}).") from error
