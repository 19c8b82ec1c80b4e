"""``[providers.NAME]``: what is taken, and one sentence with file, line and key for what is not; no key is repeated."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from aistack_backend.wire.config import ConfigError
from aistack_backend.wire.configfile import load

WHOLE = """
[providers.cloud]
url = "https://api.example.com/v1/"
model = "big-1"
key_file = "~/cloud.key"
timeout = 60
read_timeout = 20.5
connect_timeout = 2.5
price_in = 0.1
price_out = "0.60"
currency = "EUR"
max_tokens = 2048

[providers.shed]
url = "http://127.0.0.1:8080/v1"
model = "m"
local = true
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def test_everything_is_read_and_prices_are_exact(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, WHOLE), {"HOME": "/home/me"})
    cloud, shed = loaded.config.providers
    assert (cloud.name, cloud.url, cloud.host, cloud.model) == (
        "cloud", "https://api.example.com/v1", "api.example.com", "big-1",
    )  # fmt: skip
    assert (cloud.key_file, cloud.timeout, cloud.read_timeout, cloud.connect_timeout) == (
        "/home/me/cloud.key", 60.0, 20.5, 2.5,
    )  # fmt: skip
    assert (cloud.price_in, cloud.price_out, cloud.currency, cloud.max_tokens) == (
        Decimal("0.1"), Decimal("0.60"), "EUR", 2048,
    )  # fmt: skip
    assert (shed.local, shed.price_in, shed.price_out, shed.currency, shed.key_file) == (True, None, None, "", "")
    rows = {row.key: row for row in loaded.rows}
    assert rows["providers.cloud.price_in"].value == "0.1"
    assert rows["providers.shed.local"].source.endswith(":17")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/v1",
        "http://[::1]:8080/v1",
        "http://localhost/v1",
        "https://10.0.0.5/v1",
        "https://h:8443/a/v1",
    ],
)
def test_where_an_endpoint_may_be(tmp_path: Path, url: str) -> None:
    (one,) = load(write(tmp_path, f'[providers.a]\nurl = "{url}"\nmodel = "m"\n'), {}).config.providers
    assert one.url == url


@pytest.mark.parametrize(
    "url",
    [
        "", "ftp://h/v1", "h/v1", "https://", "https:///v1", "https://u:sk-canary@h/v1", "https://h/v1?key=sk-canary",
        "https://h/v1#x", "https://h:0/v1", "https://h:99999/v1", "https://h/a b", "https://h/\\\\x", "file:///etc/passwd",
        "http://10.0.0.5/v1", "http://host.containers.internal/v1", "http://api.example.com/v1", "http://127.0.0.1.nip.io/v1",
        "http://0.0.0.0/v1", "http://2130706433/v1", "https://" + "h" * 300, "unix:///run/x.sock",
    ],
)  # fmt: skip
def test_where_it_may_not(tmp_path: Path, url: str) -> None:
    path = write(tmp_path, f'[providers.a]\nmodel = "m"\nurl = "{url}"\n')
    with pytest.raises(ConfigError, match=r"providers\.a\.url") as caught:
        load(path, {})
    assert str(caught.value).startswith(f"{path}:3: ")
    assert "canary" not in str(caught.value)


GOOD = '[providers.a]\nurl = "https://h/v1"\nmodel = "m"\n'


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('key = "sk-canary"', "a key does not stand here; name its file as key_file"),
        ('api-key = "sk-canary"', "a key does not stand here; name its file as key_file"),
        ('token = "sk-canary"', "a key does not stand here"),
        ('key_file = "sk-canary"', "absolute path of a file"),
        ("key_file = 3", "must be text"),
        ('modle = "sk-canary"', "no key providers.a.modle; did you mean model?"),
        ("timeout = 0", "number of seconds between 1 and 3600"),
        ('timeout = "60"', "number of seconds"),
        ("timeout = true", "number of seconds"),
        ("timeout = nan", "number of seconds"),
        ("connect_timeout = 1000", "between 0.1 and 120"),
        ("read_timeout = -1", "number of seconds"),
        ("price_in = 1", "price_out is needed beside price_in"),
        ("price_in = 1\nprice_out = 1", "currency must be three letters"),
        ('currency = "USD"', "belongs to prices"),
        ('price_in = -1\nprice_out = 1\ncurrency = "USD"', "price of a million tokens"),
        ('price_in = nan\nprice_out = 1\ncurrency = "USD"', "price of a million tokens"),
        ('price_in = 1e9\nprice_out = 1\ncurrency = "USD"', "price of a million tokens"),
        ('price_in = 0.0000001\nprice_out = 1\ncurrency = "USD"', "at most 6 decimals"),
        ('price_in = true\nprice_out = 1\ncurrency = "USD"', "price of a million tokens"),
        ('price_in = 1\nprice_out = 1\ncurrency = "$"', "three letters"),
        ('local = "yes"', "must be true or false"),
        ("max_tokens = 0", "whole number between 1 and 1000000"),
        ("max_tokens = true", "whole number"),
    ],
)
def test_a_mistake_names_file_and_key_and_repeats_no_key(tmp_path: Path, line: str, says: str) -> None:
    path = write(tmp_path, f"{GOOD}{line}\n")
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert str(caught.value).startswith(str(path))
    assert "providers.a" in str(caught.value)
    assert says in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[providers]\na = 3\n", "providers.a must be a section"),
        ("providers = 3\n", "providers must be a section"),
        ('[providers.A]\nurl = "https://h/v1"\nmodel = "m"\n', "providers.A must be named by 1 to 32"),
        ('[providers.a]\nmodel = "m"\n', "providers.a.url is needed"),
        ('[providers.a]\nurl = "https://h/v1"\n', "providers.a.model must be"),
        ('[providers.a]\nurl = "https://h/v1"\nmodel = "a b"\n', "without blanks"),
    ],
)
def test_a_section_that_cannot_be(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load(write(tmp_path, text), {})
