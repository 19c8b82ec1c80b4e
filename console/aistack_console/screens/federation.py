"""Federation: what came from elsewhere and waits, who is trusted, and the bundles in and out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, TypeVar

from textual import work

from aistack_backend.wire.actions import ActionRequest
from aistack_backend.wire.events import Topic
from aistack_backend.wire.federation import Bundle, BundleRequest, Federation, HeldItem, HeldItems, Signer, TrustRequest
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present import empty
from aistack_console.present import federation as show
from aistack_console.present.para import Para, fact, para
from aistack_console.screens.acting import ActingScreen
from aistack_console.screens.listing import ListingScreen
from aistack_console.screens.sharing import share
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.pick import Pick
from aistack_console.widgets.question import Question

T = TypeVar("T")


class FederationScreen(ListingScreen, ActingScreen):
    """What waits, the signers and the bundles; the chosen one in full. Read again when the backend says it changed."""

    NAME = "federation"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="federation.accept", keys="a", title="Let the item in", hint="accept", mutates=True),
        Action(id="federation.drop", keys="d", title="Drop the item", hint="drop", mutates=True),
        Action(id="federation.import", keys="I", title="Take in bundles: file or URL", hint="import", mutates=True),
        Action(id="federation.trust", keys="N", title="Trust an installation", hint="trust", mutates=True),
        Action(id="federation.revoke", keys="X", title="Trust the signer no more", hint="revoke", mutates=True),
        Action(id="federation.export", keys="E", title="Write a signed bundle", hint="export", mutates=True),
        Action(id="federation.key", keys="K", title="Make the key of this installation", hint="key", mutates=True),
        Action(id="federation.read", keys="r", title="Read again"),
        Action(id="federation.copy", keys="y", title="Copy the key, the question or the path"),
        Action(id="federation.back", keys="escape", title="Back to the last screen", hint="back"),
    )
    TOPICS = frozenset({Topic.LEARNING, Topic.TASKS})
    CSS_PATH = "federation.tcss"
    COLUMNS = show.COLUMNS

    def __init__(self) -> None:
        super().__init__()
        self._found: Federation | None = None
        self._items: HeldItems | None = None
        self._at: float | None = None
        self._seen: object = None
        self._problem, self._reading = "", False

    @property
    def item(self) -> HeldItem | None:
        """The item under the cursor."""
        items = self._items.items if self._items else ()
        return next((one for one in items if f"item:{one.id}" == self.table.cursor_key), None)

    @property
    def signer(self) -> Signer | None:
        """The signer under the cursor."""
        signers = self._found.signers if self._found else ()
        return next((one for one in signers if f"signer:{one.name}" == self.table.cursor_key), None)

    @property
    def bundle(self) -> Bundle | None:
        """The bundle under the cursor."""
        bundles = self._found.bundles if self._found else ()
        return next((one for one in bundles if f"bundle:{one.id}" == self.table.cursor_key), None)

    def paint(self) -> None:
        """Show what was read; read it when learning told of a change since, as the backend does for each here."""
        if self.store.down is None and not self._reading and self._seen != (version := self._version()):
            self._reading, self._seen = True, version
            self._fetch()
        now = self.store.now()
        head = show.head(self._found, self._at, now)
        self.query_one("#head", Line).show((*head, (f"  {self._problem}" if self._found else "", "bad")))
        self.table.set_rows(show.rows(self._found, self._items, now))
        share(self, self.table, len(self.table.rows) + 1, 1 / 2)
        self.paint_side()

    def _version(self) -> object:
        """Return what changes when there is something new to read."""
        return (self.store.age(Topic.LEARNING) is not None, id(self.store.learning), bool(self.own_tasks()))

    def paint_side(self) -> None:
        """Show what is under the cursor."""
        detail, now, found = self.query_one(Detail), self.store.now(), self._found
        if found is None and self._problem:
            detail.show((para((self._problem, "bad")),))
        elif found is None:
            detail.show(empty.away(self.store.why_down if self.store.down is not None else "Reading ..."))
        elif self.item is not None:
            detail.show(show.item(self.item, found, now))
        elif self.signer is not None:
            detail.show(show.signer(self.signer, now))
        elif self.bundle is not None:
            detail.show(show.bundle(self.bundle, now))
        elif self.table.cursor_key == show.OWN:
            detail.show(show.own(found))
        else:
            detail.show(show.ways(found) if self.table.rows else show.nothing(found))

    @work(exclusive=True, group="federation")
    async def _fetch(self) -> None:
        self._reading = True
        client = self.console.client
        try:
            items = await client.held_items("quarantined")
            self._found, self._items = await client.federation(), items
            self._at, self._problem = self.store.now(), ""
        except ConsoleError as error:
            self._problem = error.sentence
        self._reading = False
        self.repaint()

    def hints(self) -> tuple[Action, ...]:
        """Return the keys that do something now first: a narrow footer has no room for all."""
        return tuple(sorted(super().hints(), key=lambda one: bool(self.reason(one))))

    def why_not(self, action: Action) -> str:
        """Return why an action makes no sense now."""
        if action.name in ("accept", "drop"):
            return "" if self.item else "No item that waits is chosen."
        if action.name == "revoke":
            one = self.signer
            return "No signer is chosen." if one is None else "It was revoked already." if one.revoked_at else ""
        if action.name == "copy":
            some = self.item or self.signer or self.bundle or self.table.cursor_key == show.OWN
            return "" if some else "Nothing is chosen."
        if action.name in ("key", "export") and self._found is None:
            return "How federation stands was not read yet."
        if action.name == "key":
            return "The key is made already." if self._found and self._found.key else ""
        if action.name == "export":
            return "" if self._found and self._found.key else "There is no key yet: K makes it."
        return ""

    @work(group="do")
    async def do_accept(self) -> None:
        """Let the chosen item in; where something here says otherwise the operator names the rule."""
        if (one := self.item) is None:
            return
        rule: str | None = ""
        if one.rivals:
            rule = await self.app.push_screen_wait(
                Pick(f"Item {one.id}: something here says otherwise", show.rules(one))
            )
        if rule is None:
            return
        await self._tell(self.console.client.accept_item(one.id, rule), lambda done: done.outcome)

    @work(group="do")
    async def do_drop(self) -> None:
        """Ask, and drop the chosen item."""
        if (one := self.item) is None or self._found is None:
            return
        about = (*show.item(one, self._found, self.store.now()),)
        if await self._asked_for(f"Drop item {one.id}? It cannot be taken back here.", about):
            await self._tell(self.console.client.drop_item(one.id), lambda done: done.outcome)

    def do_trust(self) -> None:
        """Let the operator type whom to trust."""
        self.console.say("Type NAME KEY: a name for it here, and the 64 hex digits that its own screen shows.")
        self.open_entry("trust")

    @work(group="do")
    async def do_revoke(self) -> None:
        """Ask, and trust the chosen signer no more."""
        if (one := self.signer) is None:
            return
        said = para("Nothing of it is taken in any more; what waits stays until it is dropped. It cannot be undone.")
        if await self._asked_for(f"Trust {one.name} no more?", (said, *show.signer(one, self.store.now()))):
            done = lambda signer: f"{signer.name} is trusted no more."  # noqa: E731
            await self._tell(self.console.client.revoke_signer(one.name), done)

    def do_import(self) -> None:
        """Let the operator name a bundle."""
        self.console.say("A file or folder of the backend's machine, or an https URL (that asks the gate first).")
        self.open_entry("bundle")

    def do_export(self) -> None:
        """Let the operator name the file."""
        self.open_entry("export to")

    def do_key(self) -> None:
        """Make the own key."""
        self._simple(self.console.client.federation_key(), lambda found: f"The key is made: {found.key}")

    def do_read(self) -> None:
        """Read everything again."""
        self._fetch()

    def entered(self, kind: str, text: str) -> None:
        """Take whom to trust, the bundle to take in, or the file to write."""
        client, words = self.console.client, text.split()
        if kind == "trust" and words:
            self._trust(words)
        elif kind == "bundle" and "://" in text:
            self.act(ActionRequest(kind="federation.fetch", target=text.strip()))
        elif kind == "bundle" and words:
            self._simple(client.take(text.strip()), show.taken)
        elif kind == "export to" and words:
            self._simple(client.give(BundleRequest(path=text.strip())), show.given)

    @work(group="do")
    async def _trust(self, words: Sequence[str]) -> None:
        if len(words) != 2:
            self.console.say("To trust takes a name and a key, as: north 5f3a… (64 hex digits).", "warn")
            return
        name, key = words[0], words[1].lower()
        said = (
            fact("name", name),
            fact("key", show.grouped(key)),
            para("Compare the key with the one that its own screen shows, by a way that you trust."),
            para("What it sends is then taken in, and waits; nothing of it is used unless you let it in."),
        )
        if await self._asked_for(f"Trust {name}?", said):
            request = TrustRequest(name=name, key=key)
            await self._tell(
                self.console.client.trust(request), lambda one: f"{one.name} is trusted; what it sends waits."
            )

    async def _asked_for(self, question: str, about: Sequence[Para]) -> bool:
        dialog: Question = Question(question, about)
        return await self.app.push_screen_wait(dialog)

    @work(group="do")
    async def _simple(self, call: Awaitable[T], said: Callable[[T], str]) -> None:
        await self._tell(call, said)

    async def _tell(self, call: Awaitable[T], said: Callable[[T], str]) -> None:
        """Make the call and say what the backend confirmed; then read again."""
        try:
            done = await call
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        else:
            self.console.say(said(done))
        self._fetch()

    def do_copy(self) -> None:
        """Offer what can be copied of the chosen thing."""
        if (one := self.item) is not None:
            offer(self.app, (("question", one.item.question), ("says", one.item.says)))
        elif (who := self.signer) is not None:
            offer(self.app, (("key", who.key), ("name", who.name)))
        elif (file := self.bundle) is not None:
            offer(self.app, (("path", file.path), ("sha256", file.sha256)))
        elif self._found is not None:
            offer(self.app, (("key", self._found.key),))
