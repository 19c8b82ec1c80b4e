"""``image.remove``, ``volume.remove``, ``network.remove``: one action for an exact list, each id looked at again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.containers import effects
from aistack_backend.containers.aside import to_the_end
from aistack_backend.containers.parse import MANAGED
from aistack_backend.containers.prune.models import IMAGE, VOLUME, Item, Stock
from aistack_backend.engine.tools import Fate, Nature, Outcome
from aistack_backend.errors import BackendError, BadInput, NotFound
from aistack_backend.wire.actions import Target

KINDS = {"image.remove": "image", "volume.remove": "volume", "network.remove": "network"}
MOST = 200
"""Objects of one action: a person reads them all."""
SHORTEST = 4
"""Characters of an id that are taken as the beginning of one."""
SIZE_PATIENCE = 1.5
"""Seconds that measuring the volumes may take; Podman walks all of them."""
COMMANDS = {"image": ("podman", "rmi", "--no-prune"), "volume": ("podman", "volume", "rm"),
            "network": ("podman", "network", "rm")}  # fmt: skip
UNDO = {
    "image": "none: pull or build it again",
    "volume": "none",
    "network": "none: make it again; an up makes its own",
}
MISSED = " missed="
"""In a pin, before why it would be missed: only what was shown so is removed though somebody would miss it."""
Sizes = Callable[[float], Mapping[str, int]]


class RemovalPart:
    """Prepares and runs the three kinds. What is not in the approved list is never touched."""

    kinds = frozenset(KINDS)

    def __init__(self, stocks: Sequence[Stock], sizes: Sizes) -> None:
        """``sizes``: bytes of each volume by name, measured within so many seconds (``Podman.volume_sizes``)."""
        self._stocks = {one.type: one for one in stocks}
        self._sizes = sizes

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """``target``: names or ids, blanks between them. Every one must exist and be unused.

        Raises:
            NotFound, BadInput: one sentence. PodmanDown: it does not answer.
        """
        what = KINDS[kind]
        items = self._chosen(what, target.split())
        if what == VOLUME:
            sizes = self._sizes(SIZE_PATIENCE)
        else:
            sizes = {one.id: one.size for one in items if one.size is not None}
        action = Action(
            kind=kind,
            argv=(*COMMANDS[what], *(one.id for one in items)),
            targets=tuple(Target(type=what, id=one.id, name=one.name, pin=_pin(one)) for one in items),
            requester=requester,
            task_id=task_id,
        )
        managed = all(one.managed for one in items)
        title = f"{what} {items[0].name}" if len(items) == 1 else f"{len(items)} {what}s"
        effect = _effect(what, items, [sizes.get(one.id) for one in items], managed=managed)
        return action, Evidence(title=f"remove {title}", effect=effect, undo=UNDO[what], managed=managed)

    def nature(self, action: Action) -> Nature:
        """Gone is gone; a later object of the same name has another pin."""
        return Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """At least one of the list is still what was approved, and unused; ``run`` looks at each again."""
        reason = ""
        for target in action.targets:
            found = self._changed(target)
            if not found:
                return ""
            reason = reason or found
        return reason or f"A {action.kind} names what is to go."

    async def run(self, key: str, action: Action) -> Outcome:
        """Remove one after the other; what changed or is used now is left and told. A cancel ends it between two."""
        done: list[str] = []
        left: list[str] = []
        refused = False
        for target in action.targets:
            gone, said, broke = await to_the_end(lambda one=target: self._remove(one))  # type: ignore[misc]
            (done if gone else left).append(said)
            refused = refused or broke
        what = KINDS[action.kind]
        if len(action.targets) == 1:
            return Outcome(ok=bool(done), text=done[0] if done else f"Nothing was done: {left[0]}")
        lines = [f"{len(done)} of {len(action.targets)} {what}s are removed."]
        lines += [f"Left: {one}" for one in left]
        return Outcome(ok=bool(done) and not refused, text="\n".join(lines)[: 15 * 1024])

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Look whether one of the list is still there."""
        stock = self._stocks[KINDS[action.kind]]
        there = 0
        for target in action.targets:
            try:
                there += stock.one(target.id).pin == target.pin.partition(MISSED)[0] or target.type == IMAGE
            except NotFound:
                continue
            except BackendError:
                return Fate.UNKNOWN, None
        if there:
            return Fate.NOT_DONE, None
        return Fate.DONE, Outcome(ok=True, text=f"None of the {len(action.targets)} is there any more.")

    def _chosen(self, what: str, words: Sequence[str]) -> list[Item]:
        if not words:
            raise BadInput(f"No {what} is named to remove.", "Give its name.")
        if len(words) > MOST:
            raise BadInput(f"{len(words)} {what}s are too many for one action.", f"Name at most {MOST}.")
        everything = self._stocks[what].all()
        found = list({one.id: one for one in (_find(what, everything, word) for word in words)}.values())
        for one in found:
            if why := one.blocked():
                raise BadInput(why, "Remove what uses it first." if one.users else "")
        return found

    def _changed(self, target: Target) -> str:
        """Return "" when the target is what was approved and unused, else one sentence."""
        try:
            now = self._stocks[target.type].one(target.id)
        except NotFound:
            return f"{target.type.capitalize()} {target.name} was removed since this was approved."
        except BackendError as error:
            return error.detail
        pin, _, missed = target.pin.partition(MISSED)
        if not _same(now, pin):
            how = "has other names than when" if target.type == IMAGE else "was made anew since"
            return f"{target.type.capitalize()} {target.name} {how} this was approved."
        if now.claim and now.claim != missed:
            return f"{target.type.capitalize()} {target.name} would be missed since this was approved: {now.claim}."
        return now.blocked()

    def _remove(self, target: Target) -> tuple[bool, str, bool]:
        """Return whether it is gone, what to say, and whether Podman refused or failed."""
        said = f"{target.type.capitalize()} {target.name} is removed."
        stock = self._stocks[target.type]
        try:
            now = stock.one(target.id)
        except NotFound:
            return True, said, False
        except BackendError as error:
            return False, error.detail, True
        if why := self._changed(target):
            return False, why, False
        try:
            stock.remove(now)
        except BackendError as error:
            return False, f"{target.name}: {error.detail}", True
        return True, said, False


def _pin(one: Item) -> str:
    return f"{one.pin}{MISSED}{one.claim}" if one.claim else one.pin


def _same(now: Item, pin: str) -> bool:
    """Whether it is what was approved. An image may have lost names since: a run that was cut off takes them first."""
    return set(now.names) <= set(pin.removeprefix("names=").split(",")) if now.type == IMAGE else now.pin == pin


def _find(what: str, everything: Sequence[Item], word: str) -> Item:
    for one in everything:
        if word in (one.id, one.name, *one.names):
            return one
    if what != VOLUME and len(word) >= SHORTEST:
        begun = [one for one in everything if one.id.startswith(word)]
        if len(begun) == 1:
            return begun[0]
        if begun:
            raise BadInput(f"{word!r} begins the ids of {len(begun)} {what}s.", "Type more of it.")
    known = ", ".join(sorted(one.name for one in everything)[:10])
    raise NotFound(f"There is no {what} {word!r}.", f"There are: {known}." if known else f"There are no {what}s.")


def _effect(what: str, items: Sequence[Item], sizes: Sequence[int | None], *, managed: bool) -> str:
    measured = [one for one in sizes if one is not None]
    held = effects.size(sum(measured)) if measured else "its size was not measured in time"
    if measured and len(measured) < len(items):
        held += f" and {len(items) - len(measured)} not measured"
    said = {
        IMAGE: f"Frees at most {held}: layers that other images share stay. No container is made of it.",
        VOLUME: f"All its data is deleted ({held}). No container uses it.",
    }.get(what, "No container is in it.")
    if len(items) > 1:
        said = said.replace("its size was", "sizes were").replace("All its data", "All their data")
        said = said.replace("made of it", "made of any").replace("uses it", "uses any").replace("is in it", "is in any")
    said += "".join(
        f" {one.name} is {', '.join(one.names[1:])} too: all these names go." for one in items if one.names[1:]
    )
    claimed = "".join(f" {one.name}: {one.claim}." for one in items if one.claim)
    if managed or what == IMAGE:
        return said + claimed
    whose = "It is NOT one" if len(items) == 1 else "Not all of them are"
    return f"{whose} of this stack's own objects (no label {MANAGED}). {said}{claimed}"
