"""One file over the network, from a real server that breaks off, ignores ranges, changes the file and lies."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bed import ggufs
from tests.bed.disk import small_disk
from tests.bed.hub import Hub, hub

from aistack_backend.errors import BackendError, BadInput, NotFound, Unavailable
from aistack_backend.inference import download as module
from aistack_backend.inference.download import Rules, download
from aistack_backend.inference.models import BadModel
from aistack_backend.inference.packages import Stopper
from aistack_backend.inference.source import Source, read

RULES = Rules(most=10_000_000, pause=0.0, silence=5.0)
FILE = ggufs.gguf({**ggufs.sane(), "padding": ggufs.words("x" * 300_000)})
OTHER = ggufs.gguf({**ggufs.sane(), "padding": ggufs.words("y" * 300_000)})
NAME = "/o/r/resolve/main/tiny.gguf"
Told = list[tuple[int, int | None, str]]


@pytest.fixture
def server() -> Iterator[Hub]:
    with hub() as one:
        one.files[NAME] = FILE
        yield one


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "tiny.gguf"


def fetch(
    server: Hub, target: Path, sha256: str = "", stopper: Stopper | None = None, rules: Rules = RULES
) -> tuple[Path, Told]:
    told: Told = []

    def tell(stage: str, done: int, total: int | None, unit: str, detail: str) -> None:
        assert (stage, unit) == ("model tiny.gguf", "bytes")
        told.append((done, total, detail))

    return download(read("o/r:tiny.gguf", server.url, sha256), target, rules, tell, stopper or Stopper()), told


def refused(server: Hub, target: Path, sha256: str = "", rules: Rules = RULES) -> BackendError:
    with pytest.raises(BackendError) as caught:
        fetch(server, target, sha256, rules=rules)
    assert not target.exists()
    return caught.value


def left(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def test_a_file_comes_whole_with_measured_progress(server: Hub, target: Path) -> None:
    path, told = fetch(server, target)
    assert path.read_bytes() == FILE
    assert left(target) == ["tiny.gguf"]
    assert told[0][1] == told[-1][0] == len(FILE)
    assert fetch(server, target)[1] == []
    assert len(server.asked) == 1


def test_a_given_sha256_and_the_hubs_own_are_checked(server: Hub, target: Path) -> None:
    digest = hashlib.sha256(FILE).hexdigest()
    fetch(server, target, digest)
    target.unlink()
    error = refused(server, target, "0" * 64)
    assert (error.type, left(target)) == ("wrong-hash", [])
    server.leads["/o/r/resolve/main/other.gguf"] = ""
    server.leads = {NAME: f"{server.url}/cdn"}
    server.files["/cdn"] = FILE
    server.headers = {"X-Linked-ETag": f'"{"1" * 64}"', "X-Linked-Size": str(len(FILE))}
    assert "must have 1111111111111111" in refused(server, target).detail
    server.headers["X-Linked-ETag"] = f'"{digest}"'
    assert fetch(server, target)[0].is_file()


def test_what_breaks_off_is_gone_on_with_by_itself(server: Hub, target: Path) -> None:
    server.breaks = [100_000, 50_000]
    _, told = fetch(server, target)
    assert target.read_bytes() == FILE
    assert server.asked == [(NAME, ""), (NAME, "bytes=100000-"), (NAME, "bytes=150000-")]
    assert any("It is tried again." in words for _, _, words in told)


def test_what_never_gets_further_ends_and_is_kept_for_the_next_time(server: Hub, target: Path) -> None:
    server.breaks = [100_000, *[0] * 4]
    error = refused(server, target)
    assert "broke off" in error.detail
    assert "100,000 bytes are kept" in error.hint
    assert left(target) == ["tiny.gguf.part", "tiny.gguf.part.json"]
    server.asked.clear()
    fetch(server, target)
    assert target.read_bytes() == FILE
    assert server.asked == [(NAME, "bytes=100000-")]


def test_a_server_that_ignores_ranges_begins_anew_and_one_that_breaks_each_time_ends(server: Hub, target: Path) -> None:
    server.ranges, server.breaks = False, [100_000]
    fetch(server, target)
    assert target.read_bytes() == FILE
    target.unlink()
    server.asked.clear()
    server.breaks = [100_000] * 50
    refused(server, target)
    assert len(server.asked) == module.TRIES + 1


@pytest.mark.parametrize("minds", [True, False])
def test_a_file_that_changed_in_between_is_fetched_from_its_beginning(server: Hub, target: Path, minds: bool) -> None:
    server.breaks = [100_000, *[0] * 4]
    refused(server, target)
    server.files[NAME], server.minds_etag = OTHER, minds
    fetch(server, target)
    assert target.read_bytes() == OTHER


def test_without_an_etag_nothing_is_gone_on_with_unless_the_sha256_is_known(server: Hub, target: Path) -> None:
    server.etags, server.breaks = False, [100_000, *[0] * 4]
    refused(server, target)
    assert {asked for _, asked in server.asked} == {""}
    server.breaks = [100_000]
    server.asked.clear()
    fetch(server, target, hashlib.sha256(FILE).hexdigest())
    assert server.asked[-1] == (NAME, "bytes=100000-")
    target.unlink()
    server.etags, server.etag, server.breaks = True, 'W/"weak"', [100_000]
    server.asked.clear()
    fetch(server, target)
    assert {asked for _, asked in server.asked} == {""}


def test_a_shorter_file_at_the_same_place_is_no_end(server: Hub, target: Path) -> None:
    server.breaks = [200_000, *[0] * 4]
    refused(server, target)
    small = ggufs.gguf({**ggufs.sane(), "padding": ggufs.words("z" * 50_000)})
    server.files[NAME], server.minds_etag = small, False
    fetch(server, target)
    assert target.read_bytes() == small


def test_a_length_that_is_too_long_is_a_break_and_one_too_short_is_found(server: Hub, target: Path) -> None:
    server.length = len(FILE) + 5000
    assert "broke off" in refused(server, target).detail
    server.length = len(FILE) - 5000
    error = refused(server, target)
    assert "cut short" in error.detail
    assert left(target) == []


def test_a_hub_and_its_server_that_disagree_about_the_size_are_refused(server: Hub, target: Path) -> None:
    server.headers = {"X-Linked-Size": str(len(FILE) + 1)}
    assert f"of a file that has {len(FILE) + 1:,}" in refused(server, target).detail


def test_without_a_length_it_comes_too_and_is_bounded(server: Hub, target: Path) -> None:
    server.chunked = True
    _, told = fetch(server, target)
    assert target.read_bytes() == FILE
    assert told[0][1] is None
    target.unlink()
    error = refused(server, target, rules=Rules(most=100_000, pause=0.0))
    assert error.type == "too-large"


def test_too_large_and_no_room_are_told_before_the_first_byte(server: Hub, target: Path) -> None:
    assert refused(server, target, rules=Rules(most=1000, pause=0.0)).type == "too-large"
    assert "tiny.gguf.part" not in left(target)


def test_a_disk_with_no_room_is_told(server: Hub, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "20m") as folder:
        error = refused(server, folder / "tiny.gguf")
        assert error.type == "disk-full"
        assert "MB are free" in error.detail


@pytest.mark.parametrize("body", [b"<html>Log in</html>", b"GG", b"GGUX" + b"\0" * 5000])
def test_what_is_no_gguf_file_is_thrown_away(server: Hub, target: Path, body: bytes) -> None:
    server.files[NAME] = body
    assert isinstance(refused(server, target), BadModel)
    assert left(target) == []


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, Unavailable, "asks for an account"),
        (403, Unavailable, "asks for an account"),
        (404, NotFound, r"has no tiny.gguf"),
        (503, Unavailable, "HTTP 503"),
        (429, Unavailable, "HTTP 429"),
        (204, Unavailable, "no file"),
    ],
)
def test_what_a_server_says_instead_is_one_sentence(
    server: Hub, target: Path, status: int, kind: type[BackendError], words: str
) -> None:
    server.status = status
    error = refused(server, target)
    assert isinstance(error, kind)
    assert words in error.detail


def test_offline_is_one_sentence_with_the_host(target: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1 could not be reached") as caught:
        download(read(f"http://127.0.0.1:{port}/x.gguf", ""), target, RULES, lambda *_: None, Stopper())
    assert caught.value.type == "offline"
    with pytest.raises(Unavailable, match=r"no\.such\.invalid could not be reached: its name cannot be resolved"):
        download(read("https://no.such.invalid/x.gguf", ""), target, RULES, lambda *_: None, Stopper())


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ("http://example.org/x", "over http"),
        ("https://10.0.0.1/x", "not an address of the public network"),
        ("https://169.254.169.254/latest", "not an address of the public network"),
        ("https://[fd00::1]/x", "not an address of the public network"),
        ("https://0x7f000001/x", "odd form"),
        ("file:///etc/passwd", "Only http and https"),
        ("https://user@example.org/", "user name"),
    ],
)
def test_a_redirect_to_where_nothing_may_be_fetched_is_refused(
    server: Hub, target: Path, there: str, words: str
) -> None:
    server.leads[NAME] = there
    error = refused(server, target)
    assert isinstance(error, BadInput)
    assert words in error.detail


def test_a_redirect_is_followed_and_one_without_end_is_not(server: Hub, target: Path) -> None:
    server.files["/cdn/blob"] = FILE
    server.leads[NAME] = "/cdn/blob?signature=1"
    fetch(server, target)
    target.unlink()
    server.leads["/round"] = server.leads[NAME] = "/round"
    assert "without end" in refused(server, target).detail


def test_from_elsewhere_nothing_leads_to_this_machine(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(url="https://example.org/x.gguf", file="x.gguf", origin="example.org")
    one = module._Download(source, target, RULES, lambda *_: None)
    for there in ("http://127.0.0.1:80/x", "https://localhost/x", "https://[::1]/"):
        with pytest.raises(BadInput, match="which is this machine"):
            one._allowed(there)


@pytest.mark.parametrize("answers", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::1"], ["::ffff:10.0.0.1"]])
async def test_a_name_that_means_a_private_address_is_refused(
    target: Path, monkeypatch: pytest.MonkeyPatch, answers: list[str]
) -> None:
    async def found(host: str, port: int) -> list[str]:
        return answers

    monkeypatch.setattr(module, "resolve", found)
    source = Source(url="https://hub.example/x.gguf", file="x.gguf", origin="hub.example")
    one = module._Download(source, target, RULES, lambda *_: None)
    with pytest.raises(BadInput, match=r"Nothing is fetched from hub\.example"):
        await one._addresses(one._allowed(source.url))


def test_stopping_ends_it_at_once_and_keeps_what_came(server: Hub, target: Path) -> None:
    server.hold.clear()
    stopper = Stopper()
    threading.Thread(target=lambda: (server.begun.wait(), stopper.stop())).start()
    with pytest.raises(Unavailable, match="was stopped") as caught:
        fetch(server, target, stopper=stopper, rules=Rules(most=10_000_000, silence=60))
    assert caught.value.type == "stopped"
    server.hold.set()
    fetch(server, target)
    assert target.read_bytes() == FILE


@pytest.mark.parametrize("note", ["", "no json", '{"etag": "x"}', '{"etag": "x", "total": 3, "linked": ""}'])
def test_a_half_that_nobody_can_tell_of_is_not_gone_on_with(server: Hub, target: Path, note: str) -> None:
    target.with_name("tiny.gguf.part").write_bytes(b"GGUFxxxx")
    target.with_name("tiny.gguf.part.json").write_text(note)
    fetch(server, target)
    assert target.read_bytes() == FILE
