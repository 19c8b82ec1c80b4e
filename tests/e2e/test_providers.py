"""The verb ``providers`` against a real backend: tables, exit codes, JSON, and a key that is nowhere afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bed.backend import House, house, wait_until
from tests.bed.endpoint import Endpoint, endpoint
from tests.bed.endpoint import streamed as answer
from tests.bed.far_world import CANARY

MODELS = {"data": [{"id": "big"}]}


@pytest.fixture
def there() -> Iterator[Endpoint]:
    with endpoint(MODELS) as made:
        yield made


@pytest.fixture
def home(there: Endpoint) -> Iterator[House]:
    with house(CONTAINER_HOST="unix:///nowhere/podman.sock") as made:
        key = made.folder / "far.key"
        key.write_text(CANARY + "\n")
        key.chmod(0o600)
        (made.folder / "config.toml").write_text(
            f'[providers.far]\nurl = "{there.url}"\nmodel = "big"\nkey_file = "{key}"\n'
            'price_in = 0.1\nprice_out = "0.6"\ncurrency = "EUR"\n'
            '[providers.gone]\nurl = "http://127.0.0.1:9/v1"\nmodel = "m"\nlocal = true\n'
        )
        begun(made)
        yield made


def begun(home: House) -> None:
    """Start the backend, and wait until what comes after its socket is there too."""
    home.start()
    wait_until(lambda: home.cli("providers", code=None).returncode == 0, 60, home.said)


def test_list_check_and_ask(home: House, there: Endpoint) -> None:
    said = home.cli("providers").stdout
    assert "not asked yet" in said
    assert there.asked == [], "a list sends nothing"
    there.answers = [MODELS, answer("rea", "dy\x1b[31m", read=9, written=2)]
    said = home.cli("providers", "check", "far", "--ask").stdout
    for words in (f"GET {there.url}/models, with the key of", "big is among them", "ready", "9 read, 2 written"):
        assert words in said
    assert "0.0000021 EUR" in said
    assert "\x1b" not in said
    found = json.loads(home.cli("providers", "--json").stdout)["providers"]
    assert [one["name"] for one in found] == ["far", "gone"]
    assert found[0]["today"]["cost"] == "0.0000021"
    assert found[1]["today"]["cost"] is None
    home.stop_backend()
    begun(home)
    assert json.loads(home.cli("providers", "--json").stdout)["providers"][0]["today"]["tokens_in"] == 9


def test_what_fails_has_exit_code_1_and_says_so(home: House, there: Endpoint) -> None:
    said = home.cli("providers", "check", "gone", code=1).stdout
    assert "127.0.0.1:9 does not answer" in said
    listed = home.cli("providers").stdout
    assert "failed 1x" in listed
    assert "gone: 127.0.0.1:9 does not answer" in listed
    assert "no provider 'near'" in home.cli("providers", "check", "near", code=1).stderr
    for words in (("check",), ("list", "far"), ("list", "--ask")):
        assert home.cli("providers", *words, code=2).stderr.count("\n") == 1
    assert home.cli("providers", "check", "far", "--view-only", code=4).stdout == ""
    assert there.asked == []


def test_the_key_is_nowhere(home: House, there: Endpoint) -> None:
    there.status, there.answers = 401, [{"error": {"message": f"Bad key {CANARY}, yes Bearer {CANARY}"}}]
    told = [home.cli("providers", "check", "far", "--ask", *more, code=1) for more in ((), ("--json",))]
    told += [home.cli("providers", "--json"), home.cli("audit", "list", "--json"), home.cli("config", "explain")]
    told.append(home.cli("doctor", "--json", code=None))
    home.stop_backend()
    assert there.asked[0][1]["authorization"] == f"Bearer {CANARY}", "it was really sent"
    assert "[key]" in told[0].stdout
    for one in told:
        assert "canary" not in one.stdout + one.stderr
    files = [path for path in home.folder.rglob("*") if path.is_file() and path.name != "far.key"]
    assert any(path.name == "aistack.db" for path in files)
    assert any("audit" in path.parts for path in files)
    assert [str(path) for path in files if b"canary" in _bytes(path)] == []


def _bytes(path: Path) -> bytes:
    return path.read_bytes()
