"""The providers by name: breaker, latency, tokens and cost as measured, kept a day; what is not known stays None."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.bed.endpoint import DONE, Wire, completion, endpoint, head, piece, streamed
from tests.bed.far_world import ASK, CANARY, config

from aistack_backend.clock import HandClock
from aistack_backend.errors import BadInput, NotFound
from aistack_backend.inference.providers import price
from aistack_backend.inference.providers.breaker import FAILURES, NotAsked
from aistack_backend.inference.providers.faults import Busy, ProviderDown, Rejected
from aistack_backend.inference.providers.ledger import plus
from aistack_backend.inference.providers.models import Tokens
from aistack_backend.inference.providers.service import Providers
from aistack_backend.store.database import Database
from aistack_backend.wire.providers import BreakerState, Use

PRICED = {"price_in": Decimal("0.1"), "price_out": Decimal("0.60"), "currency": "EUR"}


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'a.db'}")
    yield opened
    opened.close()


@asynccontextmanager
async def serving(database: Database, clock: HandClock, url: str, **more: Any) -> AsyncIterator[Providers]:
    made = Providers([config(url, **more)], database, clock)
    await made.start()
    yield made
    await made.stop()


async def said(providers: Providers) -> str:
    async with aclosing(providers.stream("far", ASK)) as parts:
        return "".join([part.text async for part in parts])


async def test_an_answer_is_counted_and_priced_exactly(database: Database, clock: HandClock) -> None:
    with endpoint(streamed("hi", read=7, written=3), completion("ho", 1, 1)) as there:
        async with serving(database, clock, there.url, **PRICED) as providers:
            fresh = providers.status("far")
            assert (fresh.latency, fresh.since_start, fresh.today) == (None, Use(), Use())
            assert await said(providers) == "hi"
            assert (await providers.whole("far", ASK)).text == "ho"
            now = providers.status("far")
    assert now.since_start == now.today
    assert now.today == Use(answers=2, counted=2, tokens_in=8, tokens_out=4, priced=2, cost="0.0000032", currency="EUR")
    assert now.latency is not None
    assert (now.latency.what, now.latency.at) == ("answer", clock.now())
    assert now.latency.seconds > 0


async def test_what_is_not_told_or_has_no_price_is_not_known(database: Database, clock: HandClock) -> None:
    bare = Wire((head(), piece("a", "stop"), DONE))
    with endpoint(bare, streamed("b", read=5, written=5), bare) as there:
        async with serving(database, clock, there.url) as providers:
            await said(providers)
            await said(providers)
            use = providers.status("far").since_start
            assert use == Use(answers=2, counted=1, tokens_in=5, tokens_out=5)
            assert use.cost is None
        async with serving(database, clock, there.url, **PRICED) as providers:
            await said(providers)
            use = providers.status("far").since_start
            assert (use.answers, use.counted, use.priced, use.cost) == (1, 0, 0, None)


async def test_a_day_is_kept_over_a_restart_and_ends_at_midnight_utc(database: Database, clock: HandClock) -> None:
    with endpoint(streamed("hi", read=7, written=3)) as there:
        for _ in range(2):
            async with serving(database, clock, there.url, **PRICED) as providers:
                await said(providers)
        async with serving(database, clock, there.url, **PRICED) as providers:
            one = providers.status("far")
            assert one.since_start == Use()
            assert one.today == Use(
                answers=2, counted=2, tokens_in=14, tokens_out=6, priced=2, cost="0.000005", currency="EUR"
            )
            clock.advance(86_400)
            assert providers.status("far").today == Use()
            await said(providers)
            today = providers.status("far").today
            assert today is not None
            assert today.answers == 1


async def test_another_currency_is_not_added_up(database: Database, clock: HandClock) -> None:
    with endpoint(streamed("hi", read=1_000_000, written=0)) as there:
        async with serving(database, clock, there.url, **PRICED) as providers:
            await said(providers)
        async with serving(database, clock, there.url, **{**PRICED, "currency": "USD"}) as providers:
            await said(providers)
            today = providers.status("far").today
    assert today is not None
    assert (today.answers, today.priced, today.cost, today.currency) == (2, 1, "0.1", "USD")


async def test_failures_open_the_breaker_and_nothing_is_sent_then(database: Database, clock: HandClock) -> None:
    with endpoint({"error": "broken"}, status=500) as there:
        async with serving(database, clock, there.url) as providers:
            for _ in range(FAILURES):
                with pytest.raises(ProviderDown, match="broken"):
                    await said(providers)
            with pytest.raises(NotAsked):
                await said(providers)
            assert len(there.asked) == FAILURES
            one = providers.status("far")
            assert (one.breaker.state, one.since_start.failures) == (BreakerState.OPEN, FAILURES)
            assert "broken" in one.breaker.last_error
            clock.advance(5)
            there.status, there.answers = 200, [completion("well")]
            assert (await providers.whole("far", ASK)).text == "well"
            assert providers.status("far").breaker.state is BreakerState.CLOSED


async def test_a_request_that_it_refuses_is_no_failure_of_it(database: Database, clock: HandClock) -> None:
    with endpoint({"error": "too long"}, status=400) as there:
        async with serving(database, clock, there.url) as providers:
            for _ in range(FAILURES + 2):
                with pytest.raises(Rejected, match="too long"):
                    await providers.whole("far", ASK)
            assert providers.status("far").breaker.state is BreakerState.CLOSED


async def test_it_is_left_alone_as_long_as_it_asks(database: Database, clock: HandClock) -> None:
    with endpoint({}, status=429, headers={"Retry-After": "40"}) as there:
        async with serving(database, clock, there.url) as providers:
            with pytest.raises(Busy):
                await providers.whole("far", ASK)
            clock.advance(39)
            with pytest.raises(NotAsked, match="1 s more"):
                await providers.whole("far", ASK)
            assert len(there.asked) == 1


async def test_a_key_file_of_ours_that_is_wrong_is_no_failure_of_it(
    database: Database, clock: HandClock, tmp_path: Path
) -> None:
    with endpoint({}) as there:
        async with serving(database, clock, there.url, key_file=str(tmp_path / "none")) as providers:
            for _ in range(FAILURES + 1):
                with pytest.raises(BadInput):
                    await providers.whole("far", ASK)
            assert providers.status("far").breaker.state is BreakerState.CLOSED
            assert there.asked == []


async def test_an_answer_left_in_the_middle_counts_as_one_whose_tokens_nobody_told(
    database: Database, clock: HandClock
) -> None:
    hold = threading.Event()
    with endpoint(Wire((head(), piece("a"), hold, DONE))) as there:
        async with serving(database, clock, there.url, **PRICED) as providers:
            async with aclosing(providers.stream("far", ASK)) as parts:
                await anext(parts)
            hold.set()
            one = providers.status("far")
    assert (one.since_start.answers, one.since_start.counted, one.since_start.cost) == (1, 0, None)
    assert (one.breaker.state, one.breaker.failures) == (BreakerState.CLOSED, 0)


async def test_a_check_says_what_was_sent_and_what_was_measured(
    database: Database, clock: HandClock, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text(CANARY)
    key.chmod(0o600)
    with endpoint({"data": [{"id": "big"}]}, streamed("rea", "dy", read=9, written=2)) as there:
        async with serving(database, clock, there.url, key_file=str(key), **PRICED) as providers:
            done = await providers.check("far", ask=True)
    assert done.ok
    models, answer = done.steps
    assert models.sent == f"GET {there.url}/models, with the key of {key}; nothing else."
    assert models.detail == "It lists 1 models; big is among them."
    assert models.seconds is not None
    assert "Answer with the one word" in answer.sent
    assert (answer.detail, answer.tokens_in, answer.tokens_out) == ("It answers: ready", 9, 2)
    assert answer.cost == "0.0000021"
    assert answer.first_after is not None
    assert answer.seconds is not None
    assert answer.first_after <= answer.seconds
    assert [one[0] for one in there.asked] == ["/v1/models", "/v1/chat/completions"]
    assert there.asked[1][2]["max_tokens"] == 16
    assert "canary" not in repr(done)


async def test_a_check_of_one_that_fails_is_told_and_goes_through_an_open_breaker(
    database: Database, clock: HandClock
) -> None:
    with endpoint({}, status=503) as there:
        async with serving(database, clock, there.url) as providers:
            for _ in range(FAILURES + 1):
                done = await providers.check("far")
                assert not done.ok
                assert "answers 503" in done.steps[0].detail
            assert done.provider.breaker.state is BreakerState.OPEN
            assert len(there.asked) == FAILURES + 1
            there.status, there.answers = 200, [{"data": []}]
            assert (await providers.check("far")).provider.breaker.state is BreakerState.CLOSED


async def test_a_store_that_cannot_be_used_loses_no_answer(tmp_path: Path, clock: HandClock) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    with database.tx() as connection:
        connection.exec_driver_sql("DROP TABLE provider_day")
    with endpoint(streamed("hi")) as there:
        async with serving(database, clock, there.url) as providers:
            assert await said(providers) == "hi"
            one = providers.status("far")
    database.close()
    assert (one.since_start.answers, one.today) == (1, None)


async def test_names(database: Database, clock: HandClock) -> None:
    async with serving(database, clock, "http://127.0.0.1:9/v1") as providers:
        assert (providers.names, len(providers.list().providers)) == (("far",), 1)
        for call in (providers.whole("near", ASK), providers.check("near"), providers.embed("near", ["a"])):
            with pytest.raises(NotFound, match="no provider 'near'") as raised:
                await call
            assert "far" in raised.value.hint


def test_costs_are_exact_and_never_invented() -> None:
    one = config("http://127.0.0.1/v1", **PRICED)
    assert price.cost(one, Tokens(1, 0)) == Decimal("0.0000001")
    assert price.shown(price.cost(one, Tokens(10_000_000, 0))) == "1"
    assert price.cost(one, None) is None
    assert price.cost(config("http://127.0.0.1/v1"), Tokens(1, 1)) is None
    free = config("http://127.0.0.1/v1", price_in=Decimal(0), price_out=Decimal(0), currency="USD")
    assert price.shown(price.cost(free, Tokens(5, 5))) == "0"
    third = Use(answers=1, priced=1, cost="0.1", currency="EUR")
    total = Use()
    for _ in range(30):
        total = plus(total, third)
    assert (total.cost, total.answers) == ("3", 30)
