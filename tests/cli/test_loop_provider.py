"""``loop run --endpoint NAME``: a provider of the configuration stands for URL, model, key file and price."""

from __future__ import annotations

from pathlib import Path

import pytest

from aistack_backend.wire.loops import LoopRequest
from aistack_console.cli import options, parser
from aistack_console.verbs.context import Context, VerbError
from aistack_console.verbs.loop import request

CONFIG = """
[providers.cloud]
url = "https://api.example.com/v1"
model = "big"
key_file = "/k"
price_in = 0.15
price_out = "0.60"
currency = "USD"
[providers.euro]
url = "https://b/v1"
model = "m"
price_in = 1
price_out = 1
currency = "EUR"
"""


def asked(tmp_path: Path, *more: str, agent: str = "openai") -> LoopRequest:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    words = [
        "--config",
        str(file),
        "loop",
        "run",
        "goal",
        "--source",
        str(tmp_path),
        "--proof",
        "true",
        "--agent",
        agent,
    ]
    found = parser().parse_args([*words, *more])
    return request(Context(options=options(found), arguments=found))


def test_a_provider_stands_for_all_of_it(tmp_path: Path) -> None:
    one = asked(tmp_path, "--endpoint", "cloud")
    assert (one.endpoint, one.model, one.key_file, one.price) == (
        "https://api.example.com/v1",
        "big",
        "/k",
        "0.15/0.60",
    )


def test_what_is_given_beside_it_wins(tmp_path: Path) -> None:
    one = asked(tmp_path, "--endpoint", "cloud", "--model", "small", "--price", "0/0", "--key-file", "/other")
    assert (one.model, one.key_file, one.price) == ("small", "/other", "0/0")


def test_a_price_in_another_currency_is_not_taken_for_dollars(tmp_path: Path) -> None:
    assert asked(tmp_path, "--endpoint", "euro").price == ""


def test_a_url_is_a_url_and_an_agent_behind_http_is_no_provider(tmp_path: Path) -> None:
    assert asked(tmp_path, "--endpoint", "https://x/v1").model == ""
    assert asked(tmp_path, "--endpoint", "cloud", agent="http").endpoint == "cloud"


def test_no_such_provider(tmp_path: Path) -> None:
    with pytest.raises(VerbError, match="no provider 'near'") as raised:
        asked(tmp_path, "--endpoint", "near")
    assert "cloud, euro" in raised.value.hint
