"""No model, or a broken one: one clear sentence, and everything else goes on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bed.backend import House, house
from tests.e2e.conftest import Opener

SMALL = "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture
def bare() -> Iterator[House]:
    """A house whose model is wanted, but not here and not to be prepared."""
    with house(AISTACK_MODEL_ENABLED="true", AISTACK_MODEL_PREPARE="false") as made:
        made.env["AISTACK_CACHE_DIR"] = str(made.folder / "cache")
        yield made


def test_without_a_model_a_question_gets_one_sentence(bare: House) -> None:
    bare.start()
    done = bare.cli("ask", "hello", code=1)
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert bare.answers()


def test_the_chat_screen_says_what_is_missing(bare: House, console: Opener) -> None:
    bare.start()
    screen = console(bare, columns=120, lines=30)
    screen.press("6")
    screen.wait_for("The model is")
    screen.press("\x1b")
    screen.settle()  # Esc and a key at once are Alt and that key
    screen.press("2")
    screen.wait_for("SERVICES")


@pytest.mark.engine
@pytest.mark.timeout(180)
def test_a_corrupt_model_is_named_and_costs_nothing_else(bare: House) -> None:
    cache = bare.folder / "cache"
    shutil.copytree(Path(os.environ["AISTACK_CACHE_DIR"]) / "engine", cache / "engine", symlinks=True)
    (cache / "models").mkdir()
    (cache / "models" / SMALL).write_bytes(b"GGUF" + b"\xff" * 4096)
    bare.start()
    done = bare.cli("ask", "hello", code=1)
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert bare.answers()
    assert "HOLDS" in bare.cli("audit", "verify").stdout
