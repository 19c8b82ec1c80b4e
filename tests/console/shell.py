"""One screen under the real client, store and registry, over a stage."""

from __future__ import annotations

from tests.console.stage import NOW, Stage
from textual import work

from aistack_console.backstops import Backstops
from aistack_console.client.api import Client
from aistack_console.client.stream import EventStream, Meter
from aistack_console.keys import APP_ACTIONS, Action, Registry, bindings
from aistack_console.options import Options
from aistack_console.screens.base import BaseScreen
from aistack_console.state.store import Store
from aistack_console.themes import builtin_folder, load_looks


class Shell(Backstops):
    """Stands where ``ConsoleApp`` stands, with one screen and a clock that stands still."""

    CSS_PATH = str(builtin_folder().parent / "console/aistack_console/screens/base.tcss")
    BINDINGS = bindings(APP_ACTIONS)

    def __init__(self, stage: Stage, screen: type[BaseScreen], **more: bool) -> None:
        super().__init__()
        self.kind = screen
        self.options = Options(data_dir=stage.data, config_file=stage.data / "config.toml")
        self.view_only = more.get("view_only", False)
        self.registry = Registry((*APP_ACTIONS, *screen.ACTIONS))
        self.store = Store(now=lambda: NOW)
        self.meter = Meter()
        self.client = Client(stage.socket)
        self.said: list[str] = []
        self.went: list[tuple[str, str]] = []

    def on_mount(self) -> None:
        looks = load_looks([builtin_folder()])
        for look in looks.themes.values():
            self.register_theme(look.theme)
        self.theme = "dusk"
        self.push_screen(self.kind())
        self.follow()

    @work(exclusive=True)
    async def follow(self) -> None:
        await EventStream(self.client, self.meter).read(self.store.apply, self.store.link)

    async def on_unmount(self) -> None:
        await self.client.close()

    async def action_run(self, action_id: str) -> None:
        if isinstance(self.screen, BaseScreen):
            await self.screen.action_run(action_id)

    def do(self, action: Action, argument: str = "") -> None:
        self.said.append(action.id)

    def goto(self, name: str, argument: str = "") -> None:
        self.went.append((name, argument))

    def command(self, text: str) -> None:
        self.said.append(f":{text}")

    def say(self, sentence: str, tone: str = "plain") -> None:
        self.said.append(sentence)
        self.notify(sentence)

    @property
    def lines(self) -> list[str]:
        strips = self.screen._compositor.render_strips()
        return ["".join(segment.text for segment in line).rstrip() for line in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)
