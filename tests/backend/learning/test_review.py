"""What may be trained on: good answers of who consented, cleaned, once, after a person's yes; and the file of it."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.backend.learning.personal import PERSONAL
from tests.backend.learning.secrets_planted import SECRETS
from tests.backend.learning.world import learning_on, told

from aistack_backend.errors import BadInput, Conflict, NotFound
from aistack_backend.learning.models import Verdict
from aistack_backend.learning.review import MOST
from aistack_backend.store.database import Database
from aistack_backend.wire.learning import SampleEdit, SampleState


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    held = Database(f"sqlite:///{tmp_path}/t.db")
    yield held
    held.close()


async def test_only_judged_and_consented_answers_wait_for_review(database: Database) -> None:
    learning = learning_on(database)
    told(learning, 3, query="Good?", answer="yes")
    told(learning, 1, Verdict.CORRECTED, query="Corrected?", answer="no")
    told(learning, 1, Verdict.BAD, query="Bad?")
    told(learning, 1, None, query="Not judged?")
    told(learning, 1, ok=None, query="Not ended?")
    told(learning, 1, consent=False, query="No consent?")
    assert (await learning.run("timer")).samples == 2
    found = learning.review.list()
    assert [(one.question, one.answer) for one in found.samples] == [("Good?", "yes"), ("Corrected?", "so it is 7")]
    assert (found.waiting, found.accepted, found.dropped) == (2, 0, 0)
    assert (await learning.run("timer")).samples == 0


async def test_of_100_secrets_and_50_personal_texts_none_is_in_the_dataset(database: Database, tmp_path: Path) -> None:
    assert (len(SECRETS), len(PERSONAL)) == (100, 50)
    learning = learning_on(database)
    for at, (text, _) in enumerate([*SECRETS, *PERSONAL]):
        told(learning, 1, query=f"Case {at}: {text}", answer=f"Answer {at}: {text}")
    assert (await learning.run("timer")).samples == 150
    for one in learning.review.list(most=MOST).samples:
        assert one.redactions >= 2
        learning.review.accept(one.id, "operator:tester")
    done = learning.export(str(tmp_path / "out.jsonl"))
    written = (tmp_path / "out.jsonl").read_text()
    leaked = [piece for _, piece in [*SECRETS, *PERSONAL] if piece in written]
    print(f"150 planted, {done.count} lines, {len(leaked)} in the dataset: {leaked}")
    assert (done.count, leaked) == (150, [])
    assert "hmac:" not in written


async def test_a_person_accepts_drops_and_edits(database: Database) -> None:
    learning = learning_on(database)
    for name in ("One", "Two", "Three"):
        told(learning, 1, query=f"{name}?", answer=name)
    await learning.run("timer")
    first, second, third = learning.review.list().samples
    assert learning.review.accept(first.id, "operator:tester").state is SampleState.ACCEPTED
    assert learning.review.drop(second.id, "operator:tester").reviewed_by == "operator:tester"
    wanted = SampleEdit(question="Third?", answer="Ask a@example.com with password=hunter2hunter2")
    edited = learning.review.edit(third.id, wanted, "operator:tester")
    assert (edited.edited, edited.answer, edited.redactions) == (True, "Ask [email] with password=[secret]", 2)
    assert [one.id for one in learning.review.list(SampleState.ACCEPTED).samples] == [first.id, third.id]
    told(learning, 1, query="two", answer="TWO!")  # what was dropped is not offered again
    assert (await learning.run("timer")).samples == 0
    with pytest.raises(Conflict, match=f"Sample {first.id} says the same"):
        learning.review.edit(third.id, SampleEdit(question="one", answer="One"), "operator:tester")


def test_bad_edits_and_what_is_not_there(database: Database) -> None:
    review = learning_on(database).review
    for question, answer in ((" ", "x"), ("x", ""), ("x" * 16_001, "x")):
        with pytest.raises(BadInput):
            review.edit(1, SampleEdit(question=question, answer=answer), "operator:tester")
    for change in (review.accept, review.drop):
        with pytest.raises(NotFound, match="no sample 9"):
            change(9, "operator:tester")


def modes(folder: Path) -> set[int]:
    """The modes of what was exported."""
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.glob("out*")}


async def test_the_file_is_private_and_its_manifest_tells_it(database: Database, tmp_path: Path) -> None:
    learning = learning_on(database)
    told(learning, 1)
    await learning.run("timer")
    (one,) = learning.review.list().samples
    with pytest.raises(Conflict, match="No sample was accepted yet"):
        learning.export(str(tmp_path / "out.jsonl"))
    learning.review.accept(one.id, "operator:tester")
    done = learning.export(str(tmp_path / "out.jsonl"))
    data = (tmp_path / "out.jsonl").read_bytes()
    assert (done.count, done.sha256) == (1, hashlib.sha256(data).hexdigest())
    line = json.loads(data)
    assert [said["role"] for said in line["messages"]] == ["system", "user", "assistant"]
    assert line["messages"][2]["content"] == "Qdrant listens on port 6333."
    assert line["metadata"]["interaction"] == one.interaction_id
    facts = json.loads((tmp_path / "out.jsonl.manifest.json").read_text())
    assert done.manifest == str(tmp_path / "out.jsonl.manifest.json")
    assert (facts["count"], facts["sha256"], facts["file"]) == (1, done.sha256, "out.jsonl")
    assert modes(tmp_path) == {0o600}
    with pytest.raises(Conflict, match="is there already"):
        learning.export(done.path)


async def test_a_place_that_cannot_be_written_is_one_sentence(database: Database, tmp_path: Path) -> None:
    learning = learning_on(database)
    told(learning, 1)
    await learning.run("timer")
    learning.review.accept(1, "operator:tester")
    for path in ("out.jsonl", "", str(tmp_path / "none" / "out.jsonl"), "/out\0.jsonl"):
        with pytest.raises(BadInput):
            learning.export(path)
