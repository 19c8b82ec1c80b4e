"""The workflow files: our own, which are part of the package, and a person's, in the configuration's folder."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import aistack_backend
from aistack_backend.containers.stack.place import ManifestError, nearest
from aistack_backend.errors import BadInput, NotFound
from aistack_backend.orchestration.flows.checks import Known
from aistack_backend.orchestration.flows.models import FlowDecl
from aistack_backend.orchestration.flows.reader import LARGEST, Read, read

FOLDER = "workflows"
MOST = 200
"""Files of a folder that are looked at."""


def bundled() -> Path:
    """Return the folder of our own files: the checkout's when this is one, else the installed one."""
    package = Path(aistack_backend.__file__).parent
    checkout = package.parents[1] / "compose" / FOLDER
    return checkout if checkout.is_dir() else package / "_assets" / "compose" / FOLDER


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file."""

    name: str
    file: Path
    builtin: bool
    text: str
    found: Read


class Library:
    """Reads the folders anew each time: a changed file holds for the next run, and for no run that has begun."""

    def __init__(self, own: Path, custom: Path, actions: Collection[str], engines: Collection[str]) -> None:
        self.custom = custom
        self._own = own
        self._known = Known(actions=actions, engines=engines)
        self._held: dict[tuple[str, str], FlowDecl] = {}
        """What was read already, by name and text."""

    def all(self) -> tuple[Entry, ...]:
        """Return every file, built-in ones first, by name. Blocks on disk."""
        first = {one.name: one for one in (*self._folder(self._own, True), *self._folder(self.custom, False))}
        known = {name: one.found.flow for name, one in first.items()}
        again = (self._again(one, known) for one in first.values())
        return tuple(sorted(again, key=lambda one: (not one.builtin, one.name)))

    def get(self, name: str) -> Entry:
        """Return one file.

        Raises:
            NotFound: there is none of that name; the hint names the nearest.
        """
        entries = {one.name: one for one in self.all()}
        if name not in entries:
            raise NotFound(f"There is no workflow {name!r}.", f"Of those that are here, {nearest(name, entries)}")
        return entries[name]

    def usable(self, name: str) -> tuple[FlowDecl, str]:
        """Return a workflow that can be run, and its text.

        Raises:
            NotFound: there is none of that name. BadInput: its file has a fault; the first is told.
        """
        entry = self.get(name)
        if entry.found.flow is None:
            first = entry.found.faults[0]
            more = len(entry.found.faults) - 1
            raise BadInput(first.detail, f"And {more} more: workflow check." if more else first.hint)
        self._held[entry.name, entry.text] = entry.found.flow
        return entry.found.flow, entry.text

    def check(self, name: str, text: str, file: str) -> Read:
        """Read a text as if it were the file of that name."""
        known = {one.name: one.found.flow for one in self.all()}
        return read(name, text, file, replace(self._known, workflows={**known, name: None}))

    def again(self, name: str, text: str) -> FlowDecl:
        """Read a run's text, which was checked when it began.

        Raises:
            BadInput: this version reads it otherwise, or what it names is gone.
        """
        if (there := self._held.get((name, text))) is not None:
            return there
        found = self.check(name, text, name)
        if found.flow is None:
            raise BadInput(f"The workflow of the run cannot be read any more: {found.faults[0].detail}")
        if len(self._held) >= MOST:
            self._held.clear()
        self._held[name, text] = found.flow
        return found.flow

    def held(self, name: str, text: str) -> FlowDecl | None:
        """Return the same, None where it cannot be read any more."""
        try:
            return self.again(name, text)
        except BadInput:
            return None

    def _again(self, entry: Entry, known: Mapping[str, FlowDecl | None]) -> Entry:
        if entry.found.flow is None and not entry.text:
            return entry
        found = read(entry.name, entry.text, str(entry.file), replace(self._known, workflows=known))
        return replace(entry, found=found)

    def _folder(self, folder: Path, builtin: bool) -> list[Entry]:
        if not folder.is_dir():
            return []
        files = sorted(one for one in folder.iterdir() if one.suffix in (".yml", ".yaml") and one.is_file())
        return [self._file(one, builtin) for one in files[:MOST]]

    def _file(self, file: Path, builtin: bool) -> Entry:
        name, text = file.stem, ""
        try:
            if not builtin and (self._own / f"{name}.yml").exists():
                raise ManifestError(f"{file}: {name} is the name of a built-in workflow; give it another.")
            if file.stat().st_size > 4 * LARGEST:
                raise ManifestError(f"{file}: it is over {LARGEST >> 10} KiB: that is no workflow.")
            text = file.read_text(encoding="utf-8")
        except ManifestError as error:
            name = name if builtin else f"{name} ({file.name})"
            return Entry(name=name, file=file, builtin=builtin, text="", found=Read(None, (error,)))
        except (OSError, UnicodeError) as error:
            said = getattr(error, "strerror", None) or error
            wrong = ManifestError(f"{file} cannot be read: {said}.")
            return Entry(name=name, file=file, builtin=builtin, text="", found=Read(None, (wrong,)))
        names = _named(self._own) | _named(self.custom)
        known = replace(self._known, workflows=dict.fromkeys(names))
        return Entry(name=name, file=file, builtin=builtin, text=text, found=read(name, text, str(file), known))


def _named(folder: Path) -> set[str]:
    return {one.stem for one in folder.iterdir() if one.suffix in (".yml", ".yaml")} if folder.is_dir() else set()
