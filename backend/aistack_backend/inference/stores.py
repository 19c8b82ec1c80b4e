"""Where models lie on this machine: our cache, the operator's folders, and what other programs keep; those are read,
never written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aistack_backend.inference import ollama, splits
from aistack_backend.inference.walk import Walk, is_file, is_folder
from aistack_backend.wire.shelf import StoreLook

NOTE = "source.json"
"""Beside a file that we fetched by URL: where it came from."""
OURS, FOLDER, OLLAMA, STUDIO, HUB = "our cache", "your folder", "Ollama", "LM Studio", "Hugging Face"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One model file, or the first part of a split one, as a store has it."""

    store: str
    path: Path
    name: str
    """What the store calls it."""
    origin: str = ""
    licence: str = ""
    whole: bool = True
    """All of its parts are there."""


@dataclass(frozen=True, slots=True)
class Store:
    """One place to look."""

    kind: str
    root: Path
    look: Callable[[Path, str, Walk], Iterator[Found]]
    asked: bool = False
    """The operator named it: that it is not there is told."""

    def find(self) -> tuple[tuple[Found, ...], StoreLook | None]:
        """Return the models, and what was seen; None = there is no such store here."""
        if not self.asked and not _exists(self.root):
            return (), None
        walk = Walk()
        try:
            found = tuple(self.look(self.root, self.kind, walk))
        except OSError as error:
            found = ()
            walk.troubles.append(f"{self.root} cannot be read: {error.strerror or error}.")
        return found, StoreLook(store=self.kind, path=str(self.root), files=walk.files, detail=walk.detail)


def stores(environ: Mapping[str, str], cache: Path, folders: Sequence[str], others: bool) -> tuple[Store, ...]:
    """Return every place to look, ours first; ``others`` = the stores of other programs too, where they usually are
    and where the environment says they are."""
    home = Path(environ.get("HOME") or Path.home())
    mine = [Store(OURS, cache / "models", _ours)]
    mine += [Store(FOLDER, Path(one).expanduser(), _plain, asked=True) for one in folders if one]
    if not others:
        return tuple(mine)
    hub = Path(environ.get("HF_HOME") or home / ".cache/huggingface") / "hub"
    named = environ.get("HF_HUB_CACHE") or environ.get("HUGGINGFACE_HUB_CACHE")
    pulls = [home / ".ollama/models", Path("/usr/share/ollama/.ollama/models")]
    if given := environ.get("OLLAMA_MODELS"):
        pulls.insert(0, Path(given).expanduser())
    studio = (home / ".lmstudio/models", home / ".cache/lm-studio/models")
    return (
        *mine,
        *(Store(OLLAMA, one, _ollama) for one in pulls),
        *(Store(STUDIO, one, _studio) for one in studio),
        Store(HUB, Path(named).expanduser() if named else hub, _hub),
    )


def _ours(root: Path, kind: str, walk: Walk) -> Iterator[Found]:
    for one in _plain(root, kind, walk):
        yield replace(one, origin=_noted(one.path.parent / NOTE))


def _noted(note: Path) -> str:
    try:
        return str(json.loads(note.read_text())["source"]["origin"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _plain(root: Path, kind: str, walk: Walk) -> Iterator[Found]:
    for path in walk.gguf_files(root):
        if made := _first_part(path):
            yield Found(store=kind, path=path, name=made[0], whole=made[1])


def _studio(root: Path, kind: str, walk: Walk) -> Iterator[Found]:
    """LM Studio: ``OWNER/REPO/FILE``."""
    for path in walk.gguf_files(root):
        if made := _first_part(path):
            where = path.parent.relative_to(root).as_posix()
            yield Found(store=kind, path=path, name=made[0], whole=made[1], origin=where if where != "." else "")


def _hub(root: Path, kind: str, walk: Walk) -> Iterator[Found]:
    """Hugging Face: ``models--OWNER--REPO/snapshots/REVISION/FILE`` is a link to a blob."""
    for folder in walk.names(root):
        if not folder.startswith("models--"):
            continue
        origin = folder.removeprefix("models--").replace("--", "/", 1)
        snapshots = root / folder / "snapshots"
        for path in walk.gguf_files(snapshots) if is_folder(snapshots) else ():
            if made := _first_part(path):
                yield Found(store=kind, path=path, name=made[0], whole=made[1], origin=origin)


def _ollama(root: Path, kind: str, walk: Walk) -> Iterator[Found]:
    for one in ollama.pulled(root, walk):
        yield Found(store=kind, path=one.path, name=one.name, licence=one.licence, origin=one.name)


def _first_part(path: Path) -> tuple[str, bool] | None:
    """Return the model's name and whether it is whole; None = a further part of a model whose first one is here."""
    name, number, count = splits.place(path.name)
    if count == 1:
        return name, True
    there = [is_file(one) for one in splits.parts(path)]
    if number != there.index(True) + 1:
        return None
    return name, all(there)


def _exists(path: Path) -> bool:
    """Whether something is there; what may not be asked is told when it is read."""
    try:
        return path.exists()
    except PermissionError:
        return True
    except OSError:
        return False
