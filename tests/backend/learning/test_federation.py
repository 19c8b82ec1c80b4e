"""Bundles and their bad relatives, trust, review and its rules: on a real store, with real keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import event
from tests.bed.postgres import emptied

from aistack_backend.audit.redact import Redactor
from aistack_backend.clock import HandClock
from aistack_backend.errors import BadInput, Conflict, NotFound
from aistack_backend.learning import rows
from aistack_backend.learning.federation import sealed
from aistack_backend.learning.federation.identity import Identity
from aistack_backend.learning.federation.service import Exchange
from aistack_backend.learning.review import Review
from aistack_backend.learning.training.adapters import Adapters
from aistack_backend.learning.training.rows import Trainings
from aistack_backend.store.database import Database
from aistack_backend.wire.federation import BundleRequest, FederationRole, Item, ItemState, ItemType, TrustRequest
from aistack_backend.wire.learning import PatternState, SampleState
from aistack_backend.wire.training import TrainRequest, TrainState

START = 1_800_000_000.0
DAY = 86_400.0


@dataclass
class Place:
    """One installation."""

    exchange: Exchange
    database: Database
    review: Review
    clock: HandClock
    folder: Path

    def pattern(self, question: str, says: str, **more: Any) -> int:
        """Learn something here."""
        values = {"kind": "answer", "key": question, "state": PatternState.ACTIVE.value, "value": 0.8, **more}
        with self.database.tx() as connection:
            return rows.make(connection, self.clock.now(), question=question, says=says, **values)

    def patterns(self) -> list[tuple[str, str, str]]:
        """What is known here: what it says, its state, its origin."""
        with self.database.read() as connection:
            return [(one.says, one.state.value, one.origin) for one in rows.patterns(connection)]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Callable[..., Place]]:
    """Installations with one clock."""
    clock, made = HandClock(START), []

    def one(name: str, role: str = "peer", url: str = "") -> Place:
        folder = tmp_path / name
        folder.mkdir()
        database = Database(url or f"sqlite:///{folder / 'x.db'}")
        made.append(database)
        review = Review(database, clock, Redactor(name.encode() * 32))
        exchange = Exchange(database, clock, Identity(folder), review.clean, FederationRole(role))
        exchange.identity.make()
        return Place(exchange, database, review, clock, folder)

    yield one
    for database in made:
        database.close()


@pytest.fixture
def pair(place: Callable[..., Place]) -> tuple[Place, Place]:
    """One that teaches, and one that trusts it as ``north``."""
    north, south = place("n"), place("s")
    south.exchange.trust(TrustRequest(name="north", key=north.exchange.identity.public()), "ann")
    return north, south


def gives(one: Place, **more: Any) -> Path:
    """Export to a new file of its folder."""
    return Path(one.exchange.export(BundleRequest(path=str(one.folder), **more), "ann").path)


def why(one: Place, file: Path) -> str:
    """Why a file is refused."""
    (told,) = one.exchange.take(str(file), "bob").files
    assert told.bundle is None
    return told.refused


def test_a_pattern_waits_until_a_person_lets_it_in_and_then_for_its_trial(pair: tuple[Place, Place]) -> None:
    north, south = pair
    north.pattern("Which port has Qdrant?", "It listens on 6333.")
    (told,) = south.exchange.take(str(gives(north)), "bob").files
    assert told.bundle is not None
    assert (told.bundle.signer, told.bundle.number, told.bundle.items) == ("north", 1, 1)
    assert south.patterns() == []
    (waits,) = south.exchange.items(ItemState.QUARANTINED).items
    done = south.exchange.accept(waits.id, "", "bob")
    assert (done.state, "only by a trial" in done.outcome) == (ItemState.ACCEPTED, True)
    assert south.patterns() == [("It listens on 6333.", "candidate", "north")]
    with pytest.raises(Conflict, match="accepted already"):
        south.exchange.drop(waits.id, "bob")


def test_postgresql_takes_in_reviews_and_gives_too(place: Callable[..., Place], postgres: str) -> None:
    north, hub = place("n"), place("h", "hub", emptied(postgres, "federation_bundle"))
    hub.exchange.trust(TrustRequest(name="north", key=north.exchange.identity.public()), "ann")
    north.pattern("Which port has Qdrant?", "It listens on 6333.")
    hub.pattern("which port has qdrant", "Nobody knows.")
    hub.exchange.take(str(gives(north)), "bob")
    (waits,) = hub.exchange.items(ItemState.QUARANTINED).items
    assert waits.rivals[0].says == "Nobody knows."
    hub.exchange.accept(waits.id, "keep-both", "bob")
    assert ("It listens on 6333.", "candidate", "north") in hub.patterns()
    assert json.loads(gives(hub).read_bytes())["body"]["number"] == 1
    trainings = Trainings(hub.database, hub.clock, Adapters(hub.folder))
    trainings.begin(3, TrainRequest(dataset="/x"), "d", "b")
    trainings.settle()
    assert trainings.list().trainings[0].state is TrainState.FAILED


def test_samples_go_into_the_queue_of_review(pair: tuple[Place, Place]) -> None:
    north, south = pair
    body = sealed.Body(
        key=north.exchange.identity.public(),
        number=1,
        created_at=int(START),
        expires_at=int(START + DAY),
        items=(Item(type=ItemType.SAMPLE, question="Which port?", says="6333 of it.", changed_at=1.0),),
    )
    made = sealed.seal(body, north.exchange.identity.secret())
    south.exchange.accepted(made.data, "x", "x", "bob")
    (waits,) = south.exchange.items(None).items
    south.exchange.accept(waits.id, "", "bob")
    assert [(one.answer, one.origin) for one in south.review.list(SampleState.WAITING).samples] == [
        ("6333 of it.", "north")
    ]


def test_secrets_and_personal_data_neither_leave_nor_enter(pair: tuple[Place, Place]) -> None:
    """Out: cleaned before it is signed. In: a sender that does not clean is cleaned here."""
    north, south = pair
    north.pattern("Who runs it?", "Ask ann.smith@example.org, password=hunter2hunter2.")
    data = gives(north).read_bytes()
    assert b"ann.smith" not in data
    assert b"hunter2" not in data
    item = Item(type=ItemType.PATTERN, kind="answer", question="Who?", says="Ask joe@example.org now.", changed_at=1.0)
    body = sealed.Body(
        key=north.exchange.identity.public(),
        number=2,
        created_at=int(START),
        expires_at=int(START + DAY),
        items=(item,),
    )
    south.exchange.accepted(sealed.seal(body, north.exchange.identity.secret()).data, "x", "x", "bob")
    (waits,) = south.exchange.items(None).items
    assert (waits.item.says, waits.redactions) == ("Ask [email] now.", 1)


def test_replayed_expired_unknown_revoked_and_forged_are_refused(pair: tuple[Place, Place], place: Any) -> None:
    north, south = pair
    north.pattern("a b c?", "one")
    first, second = gives(north), gives(north, days=2.0)
    forged = north.folder / "forged.aifed.json"
    forged.write_bytes(second.read_bytes().replace(b'"says":"one"', b'"says":"two"'))
    assert "was forged or changed" in why(south, forged)
    (taken,) = south.exchange.take(str(second), "bob").files
    assert taken.bundle is not None
    assert "2 was taken in already" in why(south, second)
    assert "2 was taken in already" in why(south, first)
    stranger = place("x")
    stranger.pattern("a b c?", "three")
    assert "whom nobody here trusts" in why(south, gives(stranger))
    late = gives(north, days=1.0)
    south.clock.advance(1.5 * DAY)
    assert "has expired" in why(south, late)
    ahead = gives(north)
    south.clock.advance(-2 * DAY)
    assert "made in the future" in why(south, ahead)
    south.clock.advance(2 * DAY)
    south.exchange.revoke("north")
    assert "who was revoked" in why(south, ahead)
    assert len(south.exchange.items(None).items) == 1


def test_trust_can_end_by_itself(place: Callable[..., Place]) -> None:
    north, south = place("n"), place("s")
    key = north.exchange.identity.public()
    south.exchange.trust(TrustRequest(name="north", key=key, days=1.0), "ann")
    north.pattern("a b c?", "one")
    south.clock.advance(2 * DAY)
    assert "whose trust has expired" in why(south, gives(north))


BAD_TRUST = [
    (TrustRequest(name="North", key="0" * 64), "cannot name a signer"),
    (TrustRequest(name="north", key="zz"), "64 hex digits"),
    (TrustRequest(name="north", key="0" * 64, days=0.0), "up to 3650 days"),
]


@pytest.mark.parametrize(("request_", "said"), BAD_TRUST, ids=range(len(BAD_TRUST)))
def test_whom_nobody_can_trust(place: Callable[..., Place], request_: TrustRequest, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        place("s").exchange.trust(request_, "ann")


def test_own_key_twice_and_a_second_hub(place: Callable[..., Place]) -> None:
    spoke = place("s", "spoke")
    keys = [Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex() for _ in range(2)]
    with pytest.raises(Conflict, match="own key"):
        spoke.exchange.trust(TrustRequest(name="me", key=spoke.exchange.identity.public()), "ann")
    spoke.exchange.trust(TrustRequest(name="hub", key=keys[0]), "ann")
    with pytest.raises(Conflict, match="known already"):
        spoke.exchange.trust(TrustRequest(name="other", key=keys[0]), "ann")
    with pytest.raises(Conflict, match="trusts one signer"):
        spoke.exchange.trust(TrustRequest(name="other", key=keys[1]), "ann")
    with pytest.raises(NotFound):
        spoke.exchange.revoke("nobody")


def test_a_hub_gives_what_it_took_and_a_peer_does_not(place: Callable[..., Place]) -> None:
    for role, said in (("hub", ["mine", "theirs"]), ("peer", ["mine"])):
        one = place(role, role)
        one.pattern("a b c?", "mine")
        one.pattern("d e f?", "theirs", origin="north")
        told = json.loads(gives(one).read_bytes())["body"]["items"]
        assert [item["says"] for item in told] == said


@pytest.mark.parametrize(
    ("rule", "value", "older", "state"),
    [
        ("latest", 0.1, False, "candidate"),
        ("latest", 0.9, True, ""),
        ("highest-value", 0.9, True, "candidate"),
        ("highest-value", 0.1, False, ""),
        ("keep-both", 0.1, True, "candidate"),
    ],
)
def test_a_conflict_needs_a_persons_rule(
    pair: tuple[Place, Place], rule: str, value: float, older: bool, state: str
) -> None:
    """The same question, another answer; who wins is shown before, and what is here stays in use either way."""
    north, south = pair
    first, second = (north, south) if older else (south, north)
    first.pattern("Which port?", "It is eighty." if older else "Port 6333.", value=value if older else 0.5)
    south.clock.advance(60)
    second.pattern("which port", "Port 6333." if older else "It is eighty.", value=0.5 if older else value)
    south.exchange.take(str(gives(north)), "bob")
    (waits,) = south.exchange.items(ItemState.QUARANTINED).items
    (rival,) = waits.rivals
    assert (rival.says, rival.latest, rival.highest_value) == ("Port 6333.", not older, value > 0.5)
    with pytest.raises(Conflict, match="a person has to say which is taken"):
        south.exchange.accept(waits.id, "", "bob")
    with pytest.raises(BadInput, match="is no rule"):
        south.exchange.accept(waits.id, "loudest", "bob")
    done = south.exchange.accept(waits.id, rule, "bob")
    assert done.state is (ItemState.ACCEPTED if state else ItemState.DROPPED)
    assert ("Port 6333.", "active", "") in south.patterns()
    assert [found for found in south.patterns() if found[2]] == ([("It is eighty.", state, "north")] if state else [])


def test_what_is_known_is_left_out_and_what_was_rolled_back_stays_out(pair: tuple[Place, Place]) -> None:
    north, south = pair
    north.pattern("a b c?", "one")
    south.pattern("A b c", "one")
    (told,) = south.exchange.take(str(gives(north)), "bob").files
    assert told.bundle is not None
    assert (told.bundle.items, told.bundle.left_out) == (0, 1)
    north.pattern("d e f?", "It is the two.")
    south.pattern("d e f", "it is the two", state=PatternState.ROLLED_BACK.value)
    south.exchange.take(str(gives(north)), "bob")
    (waits,) = south.exchange.items(None).items
    with pytest.raises(Conflict, match="was rolled back here"):
        south.exchange.accept(waits.id, "", "bob")
    south.exchange.drop(waits.id, "bob")


def test_the_patterns_of_this_installation_are_read_once_for_a_bundle(pair: tuple[Place, Place]) -> None:
    north, south = pair
    for number in range(8):
        north.pattern(f"Which port has box {number}?", f"It listens on {number}.")
        south.pattern(f"Which port has box {number}?", "Nobody knows.")
    read: list[str] = []

    def told(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "FROM learning_pattern" in statement:
            read.append(statement)

    event.listen(south.database.engine, "before_cursor_execute", told)
    south.exchange.take(str(gives(north)), "bob")
    assert len(read) == 1
    found = south.exchange.items(ItemState.QUARANTINED).items
    assert (len(read), [len(one.rivals) for one in found]) == (2, [1] * 8)


def test_a_folder_is_taken_in_by_number_and_each_refusal_is_told(pair: tuple[Place, Place]) -> None:
    north, south = pair
    for word in ("one", "two", "three"):
        north.pattern(f"about {word}?", word)
        gives(north)
    (north.folder / "0.aifed.json").write_text("{}")
    told = south.exchange.take(str(north.folder), "bob").files
    assert [bool(one.refused) for one in told] == [True, False, False, False]
    assert [one.bundle.items for one in told if one.bundle] == [1, 1, 1]


def test_what_cannot_be_given(place: Callable[..., Place]) -> None:
    one = place("n")
    for request, kind, said in (
        (BundleRequest(path="x"), BadInput, "no absolute path"),
        (BundleRequest(path=str(one.folder), days=0.0), BadInput, "valid for up to"),
        (BundleRequest(path=str(one.folder)), Conflict, "nothing to give"),
    ):
        with pytest.raises(kind, match=said):
            one.exchange.export(request, "ann")
    one.pattern("a b c?", "one")
    with pytest.raises(BadInput, match="cannot be written"):
        one.exchange.export(BundleRequest(path="/none/at/all.json"), "ann")
    file = gives(one)
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Conflict, match="is there already"):
        one.exchange.export(BundleRequest(path=str(file)), "ann")
