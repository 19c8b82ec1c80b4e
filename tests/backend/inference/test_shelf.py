"""What lies on a machine: real trees of the programs that keep models, around real GGUF files."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.bed import ggufs, model_stores

from aistack_backend.clock import HandClock
from aistack_backend.errors import BadInput, Conflict, NotFound
from aistack_backend.inference import walk
from aistack_backend.inference.cards import OWN, Room
from aistack_backend.inference.catalogue import SMALL
from aistack_backend.inference.facts import Facts, key_of
from aistack_backend.inference.models import InferenceSettings
from aistack_backend.inference.shelf import Shelf
from aistack_backend.store.database import Database
from aistack_backend.wire.models import ModelCard

ROOM = Room("", 4096, 10**12)
BARE = {name: value for name, value in ggufs.sane().items() if name != "tokenizer.chat_template"}


def tiny(name: str = "Tiny", **changes: bytes) -> bytes:
    return ggufs.gguf({**ggufs.sane(), "general.name": ggufs.words(name), **changes})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


Look = Callable[..., Shelf]


@pytest.fixture
def look(tmp_path: Path, home: Path) -> Look:
    def build(facts: Facts | None = None, environ: dict[str, str] | None = None, **settings: object) -> Shelf:
        chosen = InferenceSettings(**settings)  # type: ignore[arg-type]
        shelf = Shelf(chosen, tmp_path / "data", tmp_path / "cache", facts, {"HOME": str(home), **(environ or {})})
        shelf.look()
        return shelf

    return build


def found(shelf: Shelf) -> list[ModelCard]:
    return [card for card in shelf.all(ROOM) if card.path]


def test_ollama_lm_studio_and_the_hub_are_found_where_they_keep_their_models(look: Look, home: Path) -> None:
    blob = model_stores.ollama(home / ".ollama/models", "llama3.2:3b", tiny("A"), "MIT License\n\nCopyright")
    model_stores.ollama(home / ".ollama/models", "me/own", tiny("B"))
    model_stores.studio(home / ".lmstudio/models", "bart/tiny-GGUF", "tiny-Q4.gguf", tiny("C"))
    model_stores.studio(home / ".cache/lm-studio/models", "old/tiny", "old.GGUF", tiny("D"))
    link = model_stores.hub(home / ".cache/huggingface/hub", "org/tiny-GGUF", "sub/tiny.gguf", tiny("E"))
    cards = {card.name: card for card in found(look())}
    assert list(cards) == ["llama3.2:3b", "me/own:latest", "tiny-Q4", "old", "tiny"]
    pulled = cards["llama3.2:3b"]
    assert (pulled.path, pulled.licence, pulled.origin) == (str(blob), "mit", "Ollama")
    assert (pulled.architecture, pulled.context_train, pulled.template, pulled.cannot_chat) == ("llama", 2048, True, "")
    assert cards["tiny-Q4"].origin == "LM Studio: bart/tiny-GGUF"
    assert cards["tiny"].origin == "Hugging Face: org/tiny-GGUF"
    assert cards["tiny"].path == str(link)
    assert not any(card.removable for card in cards.values())
    assert pulled.needs


def test_the_environment_says_where_the_stores_are(look: Look, tmp_path: Path) -> None:
    model_stores.ollama(tmp_path / "pulls", "a", tiny("A"))
    model_stores.hub(tmp_path / "hf/hub", "o/b", "b.gguf", tiny("B"))
    model_stores.hub(tmp_path / "else", "o/c", "c.gguf", tiny("C"))
    environ = {"OLLAMA_MODELS": str(tmp_path / "pulls"), "HF_HOME": str(tmp_path / "hf")}
    assert [card.name for card in found(look(environ=environ))] == ["a:latest", "b"]
    environ["HF_HUB_CACHE"] = str(tmp_path / "else")
    assert [card.name for card in found(look(environ=environ))] == ["a:latest", "c"]
    assert found(look(environ=environ, stores=False)) == []


def test_a_licence_that_the_file_does_not_state_is_taken_from_the_store(look: Look, home: Path) -> None:
    silent = {name: value for name, value in ggufs.sane().items() if name != "general.license"}
    model_stores.ollama(home / ".ollama/models", "a", ggufs.gguf(silent), "\n  Some  License 1.0 \nmore")
    model_stores.studio(home / ".lmstudio/models", "o/r", "b.gguf", ggufs.gguf({**silent, "x": ggufs.words("y")}))
    assert [card.licence for card in found(look())] == ["Some License 1.0", "the file states none"]


def test_one_file_seen_from_two_stores_is_one_model_with_both_places(look: Look, home: Path, tmp_path: Path) -> None:
    link = model_stores.hub(home / ".cache/huggingface/hub", "o/r", "tiny.gguf", tiny())
    model_stores.hub(home / ".cache/huggingface/hub", "o/r", "tiny.gguf", tiny(), revision="b" * 40)
    (tmp_path / "mine").mkdir()
    os.link(link.resolve(), tmp_path / "mine/same.gguf")
    (card,) = found(look(folders=(str(tmp_path / "mine"),)))
    assert [one.store for one in card.places] == ["your folder", "Hugging Face", "Hugging Face"]
    assert card.path == str(tmp_path / "mine/same.gguf")


def test_two_copies_become_one_model_once_their_sha256_is_known(look: Look, tmp_path: Path, home: Path) -> None:
    first = ggufs.write(tmp_path / "mine/a.gguf")
    second = model_stores.studio(home / ".lmstudio/models", "o/r", "b.gguf", first.read_bytes())
    shelf = look(folders=(str(tmp_path / "mine"),))
    assert len(found(shelf)) == 2
    for path in (first, second):
        shelf.facts.hashed(key_of(path), hashlib.sha256(path.read_bytes()).hexdigest())
    shelf.sort_again()
    (card,) = found(shelf)
    assert [one.path for one in card.places] == [str(first), str(second)]
    assert card.sha256 == hashlib.sha256(first.read_bytes()).hexdigest()


def test_a_file_with_the_sha256_of_a_model_of_the_catalogue_is_that_model(look: Look, home: Path) -> None:
    path = model_stores.studio(home / ".lmstudio/models", "o/r", "smol.gguf", tiny())
    shelf = look()
    assert shelf.path(SMALL.id) is None
    shelf.facts.hashed(key_of(path), SMALL.sha256)
    shelf.sort_again()
    (card,) = found(shelf)
    assert (card.id, card.path, card.removable) == (SMALL.id, str(path), False)
    assert shelf.path(SMALL.id) == path


def test_a_split_model_is_one_model_and_says_when_a_part_is_missing(look: Look, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    for number in (1, 2, 3):
        ggufs.write(folder / f"big-Q4-0000{number}-of-00003.gguf")
    for number in (2, 3):
        ggufs.write(folder / f"cut-0000{number}-of-00003.gguf")
    shelf = look(folders=(str(folder),))
    whole, broken = sorted(found(shelf), key=lambda card: card.name)
    assert (whole.name, whole.parts, whole.cannot_chat) == ("big-Q4", 3, "")
    assert whole.size == sum(path.stat().st_size for path in folder.glob("big*"))
    assert shelf.path(whole.id) == folder / "big-Q4-00001-of-00003.gguf"
    assert broken.cannot_chat == "1 of its 3 parts are missing: cut-00001-of-00003.gguf."
    with pytest.raises(BadInput, match="parts are missing"):
        shelf.usable(broken.id)


def test_a_model_without_a_template_and_a_broken_file_are_listed_and_refused(look: Look, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/base.gguf").write_bytes(ggufs.gguf(BARE))
    (tmp_path / "mine/half.gguf").write_bytes(tiny()[:-100])
    (tmp_path / "mine/page.gguf").write_bytes(b"<html>log in</html>")
    shelf = look(folders=(str(tmp_path / "mine"),))
    base, half, page = found(shelf)
    assert (base.template, base.cannot_chat) == (False, "It has no chat template, so it cannot chat.")
    assert "cut short" in half.cannot_chat
    assert "not a GGUF file" in page.note
    for card in (base, half, page):
        with pytest.raises(BadInput, match="cannot be used"):
            shelf.usable(card.id)
    with pytest.raises(Conflict, match="not on this machine"):
        shelf.usable(SMALL.id)
    with pytest.raises(NotFound):
        shelf.usable("no-such-model")


def test_links_that_lead_in_a_circle_and_to_nothing_end(look: Look, tmp_path: Path) -> None:
    ggufs.write(tmp_path / "mine/a/tiny.gguf")
    (tmp_path / "mine/a/again").symlink_to(tmp_path / "mine")
    (tmp_path / "mine/self").symlink_to(tmp_path / "mine/self")
    (tmp_path / "mine/gone.gguf").symlink_to(tmp_path / "nowhere")
    (tmp_path / "mine/folder.gguf").mkdir()
    os.mkfifo(tmp_path / "mine/pipe.gguf")
    assert [card.name for card in found(look(folders=(str(tmp_path / "mine"),)))] == ["tiny"]


def test_what_cannot_be_read_is_told_and_the_rest_is_found(look: Look, tmp_path: Path, home: Path) -> None:
    root = home / ".ollama/models"
    model_stores.ollama(root, "good", tiny())
    library = root / "manifests/registry.ollama.ai/library"
    (library / "bad").mkdir()
    (library / "bad/latest").write_text("no json")
    (library / "far").mkdir()
    (library / "far/latest").write_text(
        '{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../../etc/passwd"}]}'
    )
    gone = model_stores.ollama(root, "gone", tiny("other"))
    gone.unlink()
    shelf = look(folders=(str(tmp_path / "nowhere"),))
    assert [card.name for card in found(shelf)] == ["good:latest"]
    told = {one.store: one.detail for one in shelf.looks}
    assert "is no manifest of Ollama" in told["Ollama"]
    assert "which is not there" in told["Ollama"]
    assert "nowhere cannot be read" in told["your folder"]


@pytest.mark.skipif(os.getuid() != 0 and shutil.which("setpriv") is None, reason="needs root, to be somebody else")
def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    """Root reads everything, so this is looked at by nobody, in a process of its own."""
    open_folder = tmp_path / "open"
    ggufs.write(open_folder / "tiny.gguf")
    ggufs.write(open_folder / "closed/secret.gguf")
    (open_folder / "closed").chmod(0o000)
    (open_folder / "listed").mkdir()
    ggufs.write(open_folder / "listed/x.gguf")
    (open_folder / "listed").chmod(0o744)
    code = (
        "import os,sys,pathlib\n"
        "from aistack_backend.inference.walk import Walk\n"
        "root=os.open('.', os.O_RDONLY); os.setgroups([]); os.setgid(65534); os.setuid(65534); os.fchdir(root)\n"
        "w=Walk(); print([p.name for p in w.gguf_files(pathlib.Path('.'))], w.detail)\n"
    )
    python = str(Path(".venv/bin/python").absolute())
    done = subprocess.run([python, "-c", code], cwd=open_folder, capture_output=True, text=True, check=True)
    assert "['tiny.gguf']" in done.stdout
    assert "closed cannot be read: Permission denied." in done.stdout


def test_thousands_of_files_are_bounded_and_told(look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "FILES", 300)
    one = ggufs.write(tmp_path / "mine/0000.gguf")
    for number in range(1, 1000):
        os.link(one, tmp_path / f"mine/{number:04}.gguf")
    shelf = look(folders=(str(tmp_path / "mine"),))
    (card,) = found(shelf)
    assert len(card.places) == 300
    (told,) = [one for one in shelf.looks if one.store == "your folder"]
    assert (told.files, told.detail) == (300, "Only the first 300 models are taken.")


def test_a_deep_tree_is_bounded(look: Look, tmp_path: Path) -> None:
    deep = tmp_path / "mine" / "/".join(["d"] * 14)
    ggufs.write(deep / "tiny.gguf")
    shelf = look(folders=(str(tmp_path / "mine"),))
    assert found(shelf) == []
    assert "more than 12 folders deep" in next(one.detail for one in shelf.looks if one.store == "your folder")


def test_odd_names_make_ids_that_can_be_typed_and_texts_that_can_be_sent(look: Look, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    ggufs.write(folder / "Ünï cödé & so on.gguf")
    name = os.fsdecode(b"\xff\xfe.gguf")
    (folder / name).write_bytes(tiny("bytes"))
    long = ggufs.write(folder / "long.gguf", {"general.license": ggufs.words("L" * 100_000)})
    shelf = look(folders=(str(folder),))
    for card in found(shelf):
        assert card.id.isascii()
        assert "/" not in card.id
        str(card).encode()
        assert len(card.licence) <= 4096
        path = shelf.path(card.id)
        assert path is not None
        assert path.is_file()
    assert long.is_file()


def test_headers_and_sha256_are_kept_for_the_next_backend(tmp_path: Path, look: Look) -> None:
    path = ggufs.write(tmp_path / "mine/tiny.gguf")
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    clock = HandClock()
    shelf = look(Facts(database, clock), folders=(str(path.parent),))
    shelf.facts.hashed(key_of(path), "ab" * 32)
    shelf.facts.save()
    header = shelf.facts.of(path).header
    again = Facts(database, clock)
    again.begin()
    stat = path.stat()
    path.write_bytes(b"\0" * stat.st_size)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (again.of(path).header, again.of(path).sha256) == (header, "ab" * 32)
    os.utime(path)
    assert again.of(path).sha256 == ""
    assert "not a GGUF file" in again.of(path).fault
    clock.advance(181 * 86_400)
    late = Facts(database, clock)
    late.begin()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert late.of(path).header is None
    database.close()


def test_the_model_used_last_is_found_again_before_anything_was_looked_through(
    tmp_path: Path, look: Look, home: Path
) -> None:
    path = model_stores.studio(home / ".lmstudio/models", "o/r", "tiny.gguf", tiny())
    shelf = look()
    (card,) = found(shelf)
    shelf.used(card.id)
    fresh = Shelf(InferenceSettings(), tmp_path / "data", tmp_path / "cache", None, {"HOME": str(home)})
    assert fresh.first() == card.id
    assert not fresh.looked
    assert fresh.path(card.id) == path
    path.unlink()
    gone = Shelf(InferenceSettings(), tmp_path / "data", tmp_path / "cache", None, {"HOME": str(home)})
    assert gone.first() == SMALL.id


def test_the_settings_name_a_model_by_its_id_or_by_its_path(look: Look, home: Path, tmp_path: Path) -> None:
    path = model_stores.studio(home / ".lmstudio/models", "o/r", "tiny.gguf", tiny())
    (card,) = found(look())
    fresh = Shelf(InferenceSettings(model=card.id), tmp_path / "d", tmp_path / "c", None, {"HOME": str(home)})
    assert fresh.first() == card.id
    own = look(model_path=str(path))
    (mine,) = found(own)
    assert (mine.id, [one.store for one in mine.places]) == (OWN, ["LM Studio"])
    assert own.cards(OWN, 1024)[0].active
