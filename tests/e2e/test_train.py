"""``train`` through two real programs: asked, learned by a child of the backend, measured by llama.cpp, kept; and what
a kill -9 leaves, which is nothing."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.bed.backend import House, house, wait_until
from tests.bed.lessons import dataset

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]
MODEL = "smollm2-135m-instruct"


@pytest.fixture
def home() -> Iterator[House]:
    """A backend with models, of which none is loaded."""
    with house(AISTACK_MODEL_ENABLED="true", AISTACK_MODEL_ADAPTER="memory") as made:
        made.start()
        yield made


def file(home: House, data: bytes) -> Path:
    """A dataset beside the backend."""
    made = home.folder / "Rack lines.jsonl"
    made.write_bytes(data)
    return made


def listed(home: House) -> list[dict[str, Any]]:
    """What ``train list`` tells."""
    found: list[dict[str, Any]] = json.loads(home.cli("train", "list", "--json").stdout)["trainings"]
    return found


def learning(home: House) -> list[psutil.Process]:
    """The children that learn for this backend."""
    assert home._backend is not None
    found = psutil.Process(home._backend.pid).children(recursive=True)
    return [one for one in found if "aistack_backend.learning.training.child" in one.cmdline()]


def test_an_adapter_is_learned_and_kept(home: House) -> None:
    lines = file(home, dataset(words=10))
    words = ("train", str(lines), "--model", MODEL, "--steps", "40")
    unasked = home.cli(*words, code=None)
    assert (unasked.returncode != 0, "held-out" in unasked.stdout) == (True, False)
    done = home.cli(*words, "--yes", "--wait")
    assert "It is kept as rack-lines-" in done.stdout
    (one,) = listed(home)
    figures = one["figures"]
    assert figures["adapted"] < figures["base"] - 1
    assert figures["adapted"] < figures["control"]
    assert figures["last"] < figures["first"]
    assert (one["state"], one["target"], bool(one["approved_by"])) == ("kept", "blk.29.ffn_down.weight", True)
    told = json.loads((Path(one["path"]).with_name("manifest.json")).read_text())
    assert told["dataset_sha256"] == one["dataset_sha256"]
    assert told["figures"]["adapted"] == figures["adapted"]
    assert f"{figures['adapted']:.3f}" in home.cli("train", "list").stdout
    Path(one["path"]).write_bytes(b"another")
    assert "(gone)" in home.cli("train", "list").stdout
    records = json.loads(home.cli("audit", "list", "--text", "model.train", "--json").stdout)["records"]
    assert {"intent", "outcome"} <= {record["phase"] for record in records}


def test_a_bad_dataset_is_refused_before_anybody_is_asked(home: House) -> None:
    lines = file(home, b"{}\n")
    done = home.cli("train", str(lines), "--model", MODEL, "--yes", code=None)
    assert (done.returncode != 0, "Line 1 of Rack lines.jsonl" in done.stderr) == (True, True)
    assert listed(home) == []


def test_a_stop_and_a_kill_leave_no_half_adapter(home: House) -> None:
    lines = file(home, dataset())
    words = ("train", str(lines), "--model", MODEL, "--yes", "--json")
    number = json.loads(home.cli(*words).stdout)["id"]
    wait_until(lambda: any(one["done"] for one in listed(home)), 60, "it never read a line")
    home.cli("stop", str(number))
    wait_until(lambda: not learning(home), 60, "the child goes on")
    wait_until(lambda: listed(home)[0]["state"] == "failed", 60, lambda: str(listed(home)))
    home.cli(*words)
    wait_until(lambda: listed(home)[0]["done"] > 0, 60, "it never read a line")
    (child,) = learning(home)
    assert home._backend is not None
    os.kill(home._backend.pid, signal.SIGKILL)
    home._backend.wait(20)
    child.wait(60)
    left = [one.name for one in (home.data / "adapters").iterdir()]
    assert all(name.startswith(".draft-") for name in left)
