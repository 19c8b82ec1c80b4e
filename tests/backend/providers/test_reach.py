"""Where a provider may stand: its name is resolved once, each address looked at, and none other connected to (R4.6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from tests.bed.endpoint import endpoint
from tests.bed.far_world import config

from aistack_backend.clock import HandClock
from aistack_backend.inference.providers.faults import ProviderDown
from aistack_backend.inference.providers.reach import addresses, wrong
from aistack_backend.inference.providers.transport import Transport

PUBLIC = ("1.1.1.1", "8.8.8.8", "2606:4700::1111")
OWN = ("10.1.2.3", "172.16.0.9", "192.168.1.5", "100.64.0.1", "fd00::1", "127.0.0.1", "::1")
NEVER = (
    "169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "2001:0:7f00:1::", "x", "", "10.1", "0x7f000001",
)  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_one_is_elsewhere(address: str) -> None:
    assert wrong(address, local=False) == ""
    assert "own network" in wrong(address, local=True)


@pytest.mark.parametrize("address", OWN)
def test_an_own_one_is_own(address: str) -> None:
    assert wrong(address, local=True) == ""
    assert "public network" in wrong(address, local=False)


@pytest.mark.parametrize("address", NEVER)
def test_these_are_neither(address: str) -> None:
    assert wrong(address, local=True)
    assert wrong(address, local=False)


def resolver(*found: str) -> Any:
    asked: list[str] = []

    async def resolve(host: str, _: int) -> Sequence[str]:
        asked.append(host)
        if not found:
            raise OSError("no such name")
        return found

    resolve.asked = asked  # type: ignore[attr-defined]
    return resolve


async def test_one_bad_address_of_a_name_is_enough() -> None:
    with pytest.raises(ProviderDown, match=r"far is not asked: 10\.0\.0\.1 is not") as raised:
        await addresses(config("https://h/v1"), resolver("1.1.1.1", "10.0.0.1"))
    assert "local = true" in raised.value.hint
    with pytest.raises(ProviderDown, match=r"1\.1\.1\.1 is not an address of an own"):
        await addresses(config("https://h/v1", local=True), resolver("10.0.0.1", "1.1.1.1"))
    assert await addresses(config("https://h/v1", local=True), resolver("10.0.0.1", "::1")) == ("10.0.0.1", "::1")
    with pytest.raises(ProviderDown, match="cannot be resolved"):
        await addresses(config("https://h/v1"), resolver())


async def test_a_written_address_is_held_against_the_same_rule() -> None:
    with pytest.raises(ProviderDown, match="is not an address of the public network"):
        await addresses(config("https://169.254.169.254/v1"))
    with pytest.raises(ProviderDown, match="is not an address of an own"):
        await addresses(config("https://1.1.1.1/v1", local=True))
    assert await addresses(config("https://1.1.1.1/v1")) == ("1.1.1.1",)
    assert await addresses(config("https://192.168.0.2:8443/v1", local=True)) == ("192.168.0.2",)
    for local in (True, False):
        assert await addresses(config("http://127.0.0.1:1/v1", local=local)) == ("127.0.0.1",)
        assert await addresses(config("http://localhost/v1", local=local)) == ("127.0.0.1", "::1")


async def test_the_name_is_resolved_once_and_that_address_is_connected_to() -> None:
    with endpoint({"data": []}) as there:
        port = there.url.split(":")[2].split("/")[0]
        resolve = resolver("127.0.0.9", "127.0.0.1")
        url = (
            f"http://models.example:{port}/v1"  # the configuration refuses http to a name; what is below does not look
        )
        assert await Transport(config(url, local=True), HandClock(), resolve).models() == ()
    assert resolve.asked == ["models.example"]
    assert there.asked[0][1]["host"] == f"models.example:{port}"


async def test_nothing_is_sent_where_it_may_not_go() -> None:
    with endpoint({"data": []}) as there:
        port = there.url.split(":")[2].split("/")[0]
        with pytest.raises(ProviderDown, match="is not asked"):
            await Transport(config(f"http://cloud.example:{port}/v1"), HandClock(), resolver("127.0.0.1")).models()
    assert there.asked == []
