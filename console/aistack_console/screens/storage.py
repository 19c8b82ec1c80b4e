"""Storage: images, volumes, networks and backups; who uses them, and what would go."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical

from aistack_backend.wire.actions import ActionRequest
from aistack_backend.wire.events import Topic
from aistack_backend.wire.storage import Backup, BackupList, Storage, Stored
from aistack_console.errors import ClientError, ConsoleError
from aistack_console.keys import Action
from aistack_console.present import empty
from aistack_console.present import storage as show
from aistack_console.present.para import para
from aistack_console.screens.acting import ActingScreen
from aistack_console.screens.sharing import share
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable


class StorageScreen(ActingScreen):
    """What lies on disk by kind, and the chosen thing in full."""

    NAME = "storage"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="storage.remove", keys="X", title="Remove what is marked, or this one", hint="remove", mutates=True),
        Action(id="storage.prune", keys="P", title="Mark all that a prune of this kind takes", hint="prune"),
        Action(id="storage.backup", keys="B", title="Take a backup of the stack", hint="backup", mutates=True),
        Action(id="storage.verify", keys="v", title="Prove the backup by restoring it", hint="verify", mutates=True),
        Action(id="storage.restore", keys="R", title="Put the backup back in place of what is there", mutates=True),
        Action(id="storage.read", keys="r", title="Measure again", hint="measure"),
        Action(id="storage.filter", keys="slash", title="Filter by name", hint="filter"),
        Action(id="storage.copy", keys="y", title="Copy its name, id or path", hint="copy"),
        Action(
            id="storage.back", keys="escape", title="Clear marks and filter, or back to the last screen", hint="back"
        ),
    )
    TOPICS = frozenset({Topic.FLEET, Topic.TASKS})
    CSS_PATH = "storage.tcss"

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._storage: Storage | None = None
        self._backups: BackupList | None = None
        self._problem = ""
        self._read = False

    def compose_body(self) -> ComposeResult:
        """Yield head, list and the chosen thing."""
        yield Line(id="head")
        yield Line(id="problem")
        with Vertical(id="panes"):
            yield LiveTable(show.COLUMNS, markable=True, id="table")
            yield Detail(id="detail")

    @property
    def _key(self) -> str:
        return self.query_one("#table", LiveTable).cursor_key or ""

    @property
    def chosen(self) -> Stored | None:
        """The image, volume or network under the cursor."""
        stored = self._storage.stored if self._storage else ()
        return next((one for one in stored if show.key(one) == self._key), None)

    @property
    def targets(self) -> tuple[Stored, ...]:
        """What ``X`` would remove: the marked ones of the kind under the cursor; without a mark the one there."""
        marked, one = self.query_one("#table", LiveTable).marked, self.chosen
        stored = self._storage.stored if self._storage else ()
        mine = tuple(each for each in stored if each.kind == self.kind and show.key(each) in marked)
        return mine or ((one,) if one else ())

    @property
    def kind(self) -> str:
        """The kind of the thing, or of the heading, under the cursor."""
        return self.chosen.kind if self.chosen else self._key.removeprefix("kind:")

    @property
    def backup(self) -> Backup | None:
        """The backup under the cursor."""
        found = self._backups.backups if self._backups else ()
        return next((one for one in found if f"{show.BACKUP}:{one.id}" == self._key), None)

    def paint(self) -> None:
        """Show what was read; read when nobody has yet, or an action from here has ended."""
        waiting = self.waiting
        ended = waiting and not self.own_tasks()
        if self.store.down is None and (not self._read or ended):
            self.do_read()
        now = self.store.now()
        self.query_one("#head", Line).show(show.head(self._storage, self._backups, self.text, now))
        podman = self.store.fleet.source if self.store.fleet else None
        said = show.problem(self._storage, podman, now) or (self._problem if self._storage else "")
        problem = self.query_one("#problem", Line)
        problem.display = bool(said)
        problem.show(((said, "bad"),))
        table = self.query_one("#table", LiveTable)
        table.set_rows(show.rows(self._storage, self._backups, self.text, now))
        share(self, table, len(table.rows) + 1, 2 / 3)
        if self.app.size.height >= 30:
            table.styles.height = "2fr"
        self._paint_side()

    def _paint_side(self) -> None:
        detail, now = self.query_one(Detail), self.store.now()
        if self.chosen is not None or self.targets:
            marked = self.targets if self.targets != (self.chosen,) else ()
            one = show.detail(self.chosen, now) if self.chosen else ()
            detail.show((*show.chosen_list(marked, now), *one))
        elif self.backup is not None:
            detail.show(show.backup_detail(self.backup, now))
        elif self._storage is None and self._problem:
            detail.show((para((self._problem, "bad")),))
        elif self._storage is None:
            detail.show(empty.away(self.store.why_down if self.store.down is not None else "Reading ..."))
        else:
            detail.show((para(("Nothing is stored here.", "dim")),) if not self._key else ())

    def do_read(self) -> None:
        """Read again what is there."""
        self._read = True
        self._fetch()

    @work(exclusive=True, group="storage")
    async def _fetch(self) -> None:
        client = self.console.client
        try:
            self._storage = await client.storage()
            self._problem = ""
            self._backups = await client.backups()
        except ClientError as error:
            self._problem = "" if error.status == 404 and self._storage is not None else error.sentence
        except ConsoleError as error:
            self._problem = error.sentence
        self.repaint()

    def why_not(self, action: Action) -> str:
        """Return why an action makes no sense for the thing under the cursor."""
        if action.name == "remove":
            nothing = "" if self.targets else "No image, volume or network is chosen."
            return nothing or next((why for one in self.targets if (why := show.cannot_remove(one))), "")
        if action.name == "prune" and self.kind not in show.KINDS:
            return "No image, volume or network is chosen."
        if action.name == "prune" and not show.prunable(self._storage, self.kind):
            return f"A prune of {self.kind}s would take nothing."
        return "No backup is chosen." if action.name in {"verify", "restore"} and self.backup is None else ""

    def do_remove(self) -> None:
        """Ask for the removal of exactly what is marked, or of the chosen one."""
        if found := self.targets:
            self.act(ActionRequest(kind=f"{found[0].kind}.remove", target=" ".join(one.id for one in found)))

    async def _ask(self, request: ActionRequest) -> str:
        """Unmark what was asked for."""
        said = await super()._ask(request)
        self.query_one("#table", LiveTable).set_marked(())
        return said

    def do_prune(self) -> None:
        """Mark what the default prune of the kind under the cursor takes, so that it can be read and changed."""
        if found := show.prunable(self._storage, self.kind):
            self.query_one("#table", LiveTable).set_marked([show.key(one) for one in found])
            self._paint_side()
            self.console.say(f"Marked: {show.together(found)}. Space changes the choice, X asks.")

    def do_backup(self) -> None:
        """Take a backup."""
        self.act(ActionRequest(kind="stack.backup"))

    def do_verify(self) -> None:
        """Verify the chosen backup."""
        if self.backup is not None:
            self.act(ActionRequest(kind="backup.verify", target=self.backup.id))

    def do_restore(self) -> None:
        """Restore the chosen backup."""
        if self.backup is not None:
            self.act(ActionRequest(kind="stack.restore", target=self.backup.id))

    def do_filter(self) -> None:
        """Let the operator type a filter."""
        self.open_entry("filter", self.text)

    def set_filter(self, text: str) -> None:
        """Filter by another text."""
        self.text = text
        self.repaint()

    def do_copy(self) -> None:
        """Offer what can be copied of the chosen thing."""
        if (one := self.chosen) is not None:
            offer(self.app, (("name", one.name), ("id", one.id)))
        elif (kept := self.backup) is not None:
            offer(self.app, (("id", kept.id), ("path", kept.path)))

    def do_back(self) -> None:
        """Clear marks and filter, or go back to the last screen."""
        table = self.query_one("#table", LiveTable)
        if self.text or table.marked:
            table.set_marked(())
            self.set_filter("")
        else:
            self.console.back()

    @on(LiveTable.RowMarked, "#table")
    @on(LiveTable.RowHighlighted, "#table")
    def _highlighted(self) -> None:
        self._paint_side()

    @on(LiveTable.RowSelected, "#table")
    def _selected(self) -> None:
        self.query_one(Detail).focus()
