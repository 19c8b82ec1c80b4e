"""The index of what is published about NixOS, on both kinds of store: found by name and words, dated, never halved."""

from __future__ import annotations

import gzip
import json
import lzma
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import brotli
import pytest
from sqlalchemy import func, select
from tests.bed.nixpkgs import MANUAL, OPTIONS, PACKAGES, options, packages
from tests.bed.postgres import emptied

from aistack_backend.clock import HandClock
from aistack_backend.errors import BadInput
from aistack_backend.knowledge.nixos.keys import keys, words
from aistack_backend.knowledge.nixos.opening import opened
from aistack_backend.knowledge.nixos.service import NixIndex
from aistack_backend.store.database import Database
from aistack_backend.store.nixos_tables import entry, source
from aistack_backend.wire.nixos import NixAnswer, NixKind, NixQuestion

PACKAGE, OPTION = (NixKind.PACKAGE,), (NixKind.OPTION,)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    made = f"sqlite:///{tmp_path}/a.db" if request.param == "sqlite" else ""
    held = Database(made or emptied(request.getfixturevalue("postgres"), "nixos"))
    yield held
    held.close()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def index(database: Database, clock: HandClock) -> NixIndex:
    return NixIndex(database, clock)


def ask(
    index: NixIndex, question: str, kinds: tuple[NixKind, ...] = (), most: int = 10, channel: str = ""
) -> NixAnswer:
    return index.find(NixQuestion(question=question, kinds=kinds, most=most, channel=channel))


def names(answer: NixAnswer) -> list[str]:
    return [hit.name for hit in answer.hits]


def counts(database: Database) -> tuple[int, int]:
    with database.read() as connection:
        rows = [connection.execute(select(func.count()).select_from(one)).scalar_one() for one in (source, entry)]
    return rows[0], rows[1]


def test_without_an_index_nothing_is_made_up(index: NixIndex) -> None:
    found = ask(index, "firefox", PACKAGE)
    assert (found.hits, found.searched, found.sources) == ((), 0, ())
    assert found.detail.startswith("No index of NixOS packages is here.")
    assert "of nixos-24.05 is here" in ask(index, "x", OPTION, channel="nixos-24.05").detail
    assert index.sources().detail.startswith("No index of NixOS packages, options or manuals is here.")


def test_packages_by_name_then_beginning_then_words(index: NixIndex) -> None:
    taken = index.take(packages(), "/d/packages.json", "operator:t", published_at=1_699_000_000.0)
    assert (taken.outcome, taken.source.entries, taken.source.version) == ("added", len(PACKAGES), "2")
    assert names(ask(index, "firefox", PACKAGE))[:2] == ["firefox", "firefox-esr"]
    assert names(ask(index, "FireFox", PACKAGE))[0] == "firefox"
    assert names(ask(index, "requests", PACKAGE))[0] == "python311Packages.requests"
    assert names(ask(index, "web server", PACKAGE)) == ["nginx"]
    assert set(names(ask(index, "web browser", PACKAGE))) == {"firefox", "firefox-esr"}
    assert set(names(ask(index, "editor", PACKAGE))) == {"vim", "neovim"}
    assert names(ask(index, "relational zebra", PACKAGE)) == ["postgresql"]  # none has both words
    (hit,) = ask(index, "ripgrep", PACKAGE).hits
    assert (hit.title, hit.version, hit.licence, hit.homepage, hit.declared) == (
        "ripgrep",
        "14.1.1",
        "MIT",
        "https://ripgrep.example/",
        ("pkgs/ripgrep/package.nix:42",),
    )
    assert (hit.channel, hit.source) == ("nixos-unstable", "package nixos-unstable")


def test_options_by_name_and_by_parts_of_it(index: NixIndex) -> None:
    index.take(options(), "/d/options.json", "operator:t")
    assert names(ask(index, "services.nginx.enable", OPTION))[0] == "services.nginx.enable"
    assert len(ask(index, "services.nginx", OPTION).hits) == 3
    assert names(ask(index, "virtual hosts", OPTION))[0] == "services.nginx.virtualHosts"
    assert names(ask(index, "tcp ports firewall", OPTION))[0] == "networking.firewall.allowedTCPPorts"
    assert names(ask(index, "root log in", OPTION))[0] == "services.openssh.settings.PermitRootLogin"
    (first, *_) = ask(index, "networking.hostName", OPTION).hits
    assert (first.type, first.default, first.example) == ("string", '"nixos"', '"kiosk"')
    assert first.declared == ("nixos/modules/networking/hostName.nix",)
    (told, *_) = ask(index, "services.nginx.enable", OPTION).hits
    assert told.text == OPTIONS["services.nginx.enable"][2]


def test_a_manual_by_its_sections(index: NixIndex) -> None:
    taken = index.take(MANUAL, "/d/manual.md", "operator:t")
    assert (taken.source.name, taken.source.kind, taken.source.entries) == ("manual NixOS Manual", NixKind.MANUAL, 4)
    (hit, *_) = ask(index, "rollback").hits
    assert (hit.name, hit.title) == ("Rolling back", "NixOS Manual")


def test_the_age_is_told_with_every_answer(index: NixIndex, clock: HandClock) -> None:
    index.take(packages(), "/d/packages.json", "operator:t", published_at=clock.now() - 30 * 86_400)
    index.take(options(), "/d/options.json", "operator:t")
    clock.advance(12 * 86_400)
    said = ask(index, "git").detail
    assert "package nixos-unstable: 16 entries, published 42 days ago (" in said
    assert "read in 12 days ago (2023-11-14) from /d/packages.json." in said
    assert "option nixos-unstable: 17 entries, of an age that nobody told, read in 12 days ago" in said


def test_another_file_of_the_channel_takes_its_place_and_the_same_changes_nothing(
    index: NixIndex, database: Database
) -> None:
    index.take(packages(30), "/d/packages.json", "operator:t")
    assert index.take(packages(30), "/e/packages.json", "operator:t").outcome == "unchanged"
    assert index.take(packages(10), "/d/packages.json", "operator:t").outcome == "replaced"
    assert index.take(packages(), "/d/packages.json", "operator:t", channel="nixos-24.05").outcome == "added"
    assert counts(database) == (2, len(PACKAGES) * 2 + 10)
    assert names(ask(index, "tool-29", PACKAGE)) == names(ask(index, "tool 29", PACKAGE))
    assert "madeUpPackages.tool-29" not in names(ask(index, "tool-29", PACKAGE))
    assert len(ask(index, "git", PACKAGE, channel="nixos-24.05").sources) == 1


def test_what_was_left_in_half_never_answers_and_is_tidied_up(index: NixIndex, database: Database) -> None:
    index.take(packages(), "/d/packages.json", "operator:t")
    with database.tx() as connection:
        half = {"kind": "package", "channel": "c", "origin": "/x", "sha256": "0", "size": 1, "imported_by": "t"}
        made = source.insert().values(name="package c", imported_at=1.0, current=False, **half).returning(source.c.id)
        number = connection.execute(made).scalar_one()
        row = {"name": "halfway", "folded": "halfway", "keys": "halfway", "text": "", "detail": ""}
        connection.execute(entry.insert(), [{"source_id": number, **row} for _ in range(3)])
    assert ask(index, "halfway").hits == ()
    assert (index.tidy(), counts(database)) == (1, (1, len(PACKAGES)))
    assert index.tidy() == 0


def test_a_failure_in_the_middle_leaves_the_old_one(database: Database, clock: HandClock) -> None:
    index = NixIndex(database, clock, batch=8)
    index.take(packages(5), "/d/packages.json", "operator:t")
    bad = json.loads(packages(40))
    bad["packages"] = dict.fromkeys(bad["packages"], 7)
    with pytest.raises(BadInput, match=r"None of /d/packages\.json could be read\. The first: firefox: it is no ob"):
        index.take(json.dumps(bad).encode(), "/d/packages.json", "operator:t")
    assert counts(database) == (1, len(PACKAGES) + 5)
    assert names(ask(index, "firefox"))[0] == "firefox"


def test_a_wrong_entry_costs_that_one_alone(index: NixIndex) -> None:
    every = json.loads(options())
    every |= {
        "bad.one": 7,
        "bad.two": {"description": 3},
        "bad.three": {"x": 1},
        "bad.four": {"type": "t", "declarations": 1},
    }
    every["x" * 501] = {"type": "boolean"}
    taken = index.take(json.dumps(every).encode(), "/d/options.json", "operator:t")
    assert (taken.source.entries, taken.source.skipped) == (len(OPTIONS), 5)
    assert taken.detail == "5 entries could not be read; bad.one: it is no object."


def test_packed_files(index: NixIndex) -> None:
    plain = packages()
    for packed, name in (
        (gzip.compress(plain), "packages.json.gz"),
        (lzma.compress(plain), "packages.json.xz"),
        (brotli.compress(plain), "packages.json.br"),
        (plain, "packages.json.br"),
    ):
        assert index.take(packed, f"/d/{name}", "operator:t").source.entries == len(PACKAGES)


BAD = {
    "empty": (b"", "is no packages.json or options.json"),
    "text": (b"hello", "is no packages.json or options.json"),
    "list": (b"[]", "is no packages.json or options.json"),
    "number": (b"7", "is no packages.json or options.json"),
    "cut": (packages()[:-10], "is no packages.json or options.json"),
    "no entry": (b"{}", "holds no option"),
    "no package": (b'{"packages": {}}', "holds no package"),
    "latin": (b'{"a": "\xff"}', "could be read|is no packages.json"),
    "deep": (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "could be read|is no packages.json"),
    "broken gzip": (gzip.compress(packages())[:200], "cannot be unpacked"),
    "damaged gzip": (b"\x1f\x8b\x08" + b"\x07" * 50, "cannot be unpacked"),
    "damaged xz": (b"\xfd7zXZ\0" + b"\x07" * 50, "cannot be unpacked"),
    "nul": (b"\0" * 100, "is no packages.json"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_one_sentence(index: NixIndex, database: Database, what: str) -> None:
    data, why = BAD[what]
    with pytest.raises(BadInput, match=why):
        index.take(data, "/d/x.json", "operator:t")
    assert counts(database) == (0, 0)


def test_bombs_are_not_unpacked() -> None:
    bomb = b"[" + b" " * 20_000_000
    for data, name in ((gzip.compress(bomb), "a.gz"), (lzma.compress(bomb), "a.xz"), (brotli.compress(bomb), "a.br")):
        with pytest.raises(BadInput, match=f"{name} has more than 1000000 bytes once unpacked"):
            opened(data, name, 1_000_000)
    with pytest.raises(BadInput, match=r"ends too early|cannot be unpacked"):
        opened(brotli.compress(packages())[:100], "a.json.br")
    with pytest.raises(BadInput, match="ends too early"):
        opened(lzma.compress(packages())[:-20], "a.json.xz")
    with pytest.raises(BadInput, match="more than 1000 bytes"):
        opened(b"{" + b" " * 2_000, "a.json", 1_000)


def test_other_files_that_cannot_be(index: NixIndex) -> None:
    with pytest.raises(BadInput, match="holds packages, not options"):
        index.take(packages(), "/d/a.json", "operator:t", kind=NixKind.OPTION)
    with pytest.raises(BadInput, match="no name of a channel"):
        index.take(packages(), "/d/a.json", "operator:t", channel="A B")
    with pytest.raises(BadInput, match="has no text"):
        index.take(b"<script>x</script>", "/d/a.html", "operator:t")


OPERATORS = (
    '"',
    "AND OR NOT",
    "a* OR b",
    "'; drop table nixos_entry; --",
    "%",
    "_",
    "\\",
    "(",
    "é",
    "🦊",
    "NEAR(a b)",
    "!&|",
)


def test_a_question_that_cannot_be_and_operators_that_mean_nothing(index: NixIndex) -> None:
    for question in ("", "  ", "x" * 2001, "a\0b"):
        with pytest.raises(BadInput, match="1 to 2000 characters"):
            ask(index, question)
    index.take(packages(), "/d/packages.json", "operator:t")
    for question in OPERATORS:
        ask(index, question)
        assert names(ask(index, "git"))[0] == "git"


def test_bounds(index: NixIndex) -> None:
    for most in (0, -1, 101):
        with pytest.raises(BadInput, match="1 to 100 hits"):
            ask(index, "x", most=most)
    with pytest.raises(BadInput, match="of packages, options or manuals"):
        ask(index, "x", (NixKind.UNKNOWN,))


def test_while_a_new_one_is_read_the_old_one_answers(database: Database, clock: HandClock) -> None:
    index = NixIndex(database, clock, batch=500)
    index.take(packages(), "/d/packages.json", "operator:t")
    reading = threading.Thread(target=index.take, args=(packages(4_000), "/d/packages.json", "operator:t"))
    reading.start()
    slowest, during = 0.0, 0
    while reading.is_alive():
        began = time.monotonic()
        assert names(ask(index, "firefox"))[0] == "firefox"
        slowest, during = max(slowest, time.monotonic() - began), during + 1
    reading.join()
    print(f"{during} searches while 4,000 were read, the slowest {slowest * 1000:.0f} ms")
    assert index.sources().sources[0].entries == len(PACKAGES) + 4_000
    assert index.tidy() == 0


def test_names_are_taken_apart() -> None:
    assert keys("services.nginx.virtualHosts") == "services nginx virtualHosts virtual Hosts"
    assert (
        keys("python311Packages.pyTorch2", "torch") == "python311Packages python 311 Packages pyTorch2 py Torch 2 torch"
    )
    assert words("How do I enable SSH?") == ["how", "do", "i", "enable", "ssh"]
    assert len(words(" ".join(map(str, range(100))))) == 16
