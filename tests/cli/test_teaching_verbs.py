"""``train`` and ``federation`` on the command line: what is wrong is said first; what was not measured is a dash."""

from __future__ import annotations

from pathlib import Path

import pytest

from aistack_backend.wire.federation import Bundle, HeldItem, Item, ItemState, ItemType, Rival, Taken, TakenList
from aistack_backend.wire.training import Figures, Training, TrainingList, TrainRequest, TrainState
from aistack_console.cli import main
from aistack_console.verbs import federation, train
from aistack_console.verbs.exits import Exit


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["train"], "DATASET|list"),
        (["train", "x", "--steps", "many"], "invalid int value"),
        (["federation", "trust", "north"], "federation trust takes a name and a key."),
        (["federation", "export"], "federation export takes a new file"),
        (["federation", "accept", "x"], "'x' is no number of an item."),
        (["federation", "review", "1"], "federation review takes no words."),
        (["federation", "accept", "1", "--rule", "loudest"], "invalid choice: 'loudest'"),
    ],
)
def test_a_wrong_call_is_one_sentence(
    given: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: int = main([*given, "--no-start", "--data-dir", str(tmp_path)])
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert code == Exit.USAGE
    assert said in capsys.readouterr().err


def test_a_view_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for given in (["train", "x.jsonl"], ["federation", "key"]):
        assert main([*given, "--view-only", "--no-start", "--data-dir", str(tmp_path)]) == Exit.NOT_ALLOWED
        assert "federation key" in capsys.readouterr().err or given[0] == "train"


def test_runs_tell_what_was_measured_and_nothing_else() -> None:
    request = TrainRequest(dataset="/x.jsonl", model="small")
    figures = Figures(
        base=2.0,
        adapted=1.25,
        gain=0.75,
        error=0.1,
        learned=9,
        held=5,
        tokens=30,
        first=2.0,
        last=0.5,
        seconds=1.0,
        memory=1,
    )
    known = {"at": 0.0, "request": request, "dataset_sha256": "d", "model_sha256": "b"}
    running = Training(task_id=3, state=TrainState.RUNNING, stage="learning", done=3, total=40, **known)  # type: ignore[arg-type]
    kept = Training(task_id=2, state=TrainState.KEPT, name="x-2", figures=figures, verdict="It is kept.", **known)  # type: ignore[arg-type]
    first, second, *_, told = train.listed(TrainingList(trainings=(running, kept))).splitlines()[1:]
    assert "learning 3/40  small  -       -      -        -" in first
    assert "2.000" in second
    assert "1.250" in second
    assert "x-2 (gone)" in second
    assert told == "2: It is kept."


def test_an_item_is_told_with_who_would_win() -> None:
    rival = Rival(pattern=4, state="active", says="No.", changed_at=1.0, latest=True, highest_value=False)
    item = Item(type=ItemType.PATTERN, kind="answer", question="Which\x1b[2J port?", says="6333", changed_at=2.0)
    held = HeldItem(id=1, signer="north", bundle=1, state=ItemState.QUARANTINED, item=item, rivals=(rival,))
    said = federation.shown(held)
    assert "answer from north, quarantined, value -" in said
    assert "by latest the one from elsewhere wins, by highest-value this one wins" in said


def test_each_file_is_told() -> None:
    bundle = Bundle(
        id=1, signer="north", number=2, sha256="", created_at=0, expires_at=0, at=0, by="x", path="/a", items=3
    )
    told = federation._taken(TakenList(files=(Taken(path="/a", bundle=bundle), Taken(path="/b", refused="No."))))
    assert told.splitlines() == ["/a: 3 items of north wait for review", "/b: refused. No."]
