"""An adapter on a model: by its name, for the very model it was learned for, or refused with a sentence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from aistack_backend.inference import loras
from aistack_backend.inference.host import LlamaHost
from aistack_backend.inference.models import BadModel, InferenceSettings, Request, Turn
from aistack_backend.learning.training import adapterfile, lora
from aistack_backend.wire.chat import Role


def kept(folder: Path, model: Path, **changed: str) -> Path:
    """Lay an adapter that changes the small model's last block a lot."""
    place = folder / "adapters" / "loud-1"
    place.mkdir(parents=True)
    made = lora.fresh(1536, 576, lora.Recipe())
    made.b += np.random.default_rng(1).standard_normal(made.b.shape, dtype=np.float32)
    adapterfile.write(place / loras.FILE, made, architecture="llama", target="blk.29.ffn_down.weight", name="loud")
    told = {"adapter_sha256": digest(place / loras.FILE), "model_sha256": digest(model), **changed}
    (place / loras.MANIFEST).write_text(json.dumps(told))
    return place


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def first_words(host: LlamaHost) -> str:
    """What it says to a greeting."""
    request = Request(turns=(Turn(role=Role.USER, text="Say hello."),), max_tokens=6)
    return "".join([piece.text async for piece in host.generate(request)])


@pytest.mark.engine
async def test_an_adapter_changes_what_the_model_says_and_is_told(site: Path, tmp_path: Path, smollm: Path) -> None:
    kept(tmp_path, smollm)
    said = {}
    for name in ("", "loud-1"):
        host = LlamaHost(site, tmp_path, InferenceSettings(context=512, lora=name), lambda *_: None)
        await host.load(smollm)
        said[name] = await first_words(host)
        assert host.adapter.endswith("with loud-1") is bool(name)
        await host.close()
    assert said[""] != said["loud-1"]


@pytest.mark.parametrize(
    ("spoil", "name", "why"),
    [
        (lambda _: None, "../loud-1", "is no name of an adapter"),
        (lambda _: None, "..", "is no name of an adapter"),
        (lambda _: None, "other", "cannot be read"),
        (lambda place: (place / "manifest.json").write_text("{}"), "loud-1", "cannot be read"),
        (lambda place: (place / "adapter.gguf").write_bytes(b"x"), "loud-1", "is not the file that was kept"),
    ],
    ids=["path", "dots", "unknown", "manifest", "changed"],
)
def test_bad_adapters(tmp_path: Path, spoil: Callable[[Path], object], name: str, why: str) -> None:
    model = tmp_path / "m.gguf"
    model.write_bytes(b"model")
    spoil(kept(tmp_path, model))
    with pytest.raises(BadModel, match=why):
        loras.chosen(tmp_path / "adapters", name, model)


def test_another_model_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "m.gguf"
    model.write_bytes(b"model")
    kept(tmp_path, model, model_sha256="0" * 64)
    with pytest.raises(BadModel, match="was learned for another model than"):
        loras.chosen(tmp_path / "adapters", "loud-1", model)
