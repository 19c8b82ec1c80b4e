"""What screens share whose keys act on services of the stack: the plan first, then the one gate."""

from __future__ import annotations

from textual import work

from aistack_backend.wire.actions import ActionRequest
from aistack_backend.wire.boot import Plan, PlanRequest
from aistack_backend.wire.stack import Service
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present import ladder
from aistack_console.present.boot import plan as plan_paras
from aistack_console.present.para import Para, para
from aistack_console.screens.acting import ActingScreen
from aistack_console.widgets.goal_menu import GoalMenu
from aistack_console.widgets.reader import Reader

PLANNED = {"stack.up": "up", "stack.down": "down", "stack.recreate": "recreate"}
"""Kinds whose plan is shown above the question."""
WATCHED = frozenset({"stack.up", "stack.down", "stack.recreate", "stack.rollback", "stack.update", "stack.restore"})
"""Kinds that are followed on the boot director once they are asked for."""


def stack_actions(scope: str) -> tuple[Action, ...]:
    """Return the actions on services, for the screen of that name."""
    return (
        Action(id=f"{scope}.up", keys="u", title="Bring this service up, and what it needs", hint="up", mutates=True),
        Action(id=f"{scope}.up_set", keys="U", title="Bring a set of services up", hint="up set", mutates=True),
        Action(id=f"{scope}.down", keys="D", title="Take services down", mutates=True),
        Action(id=f"{scope}.recreate", keys="R", title="Make its container anew", mutates=True),
        Action(id=f"{scope}.hold", keys="H", title="Let nothing automatic touch it, or let go", mutates=True),
        Action(id=f"{scope}.check", keys="c", title="Check it now", hint="check", mutates=True),
        Action(id=f"{scope}.why", keys="W", title="Say why it is in this state", hint="why"),
    )


NEED_SERVICE = frozenset({"up", "recreate", "hold", "check"})
"""Actions that need a service under the cursor."""


class StackScreen(ActingScreen):
    """A screen on which a service may be chosen; ``service`` says which."""

    @property
    def service(self) -> Service | None:
        """The chosen service; None = none is."""
        return None

    def why_not_stack(self, action: Action) -> str:
        """Return why an action on a service cannot be done now; empty = it can."""
        if action.name in {"up_set", "down"} and (self.store.stack is None or not self.store.stack.services):
            return "No stack is declared: start with --stack FILE, or say [stack] file in the config."
        return "No service of the stack is chosen." if action.name in NEED_SERVICE and self.service is None else ""

    @work(group="act")
    async def bring(self, kind: str, goal: str) -> None:
        """Show plan and action, ask for it when the operator confirms, then follow it on the boot director."""
        request = ActionRequest(kind=kind, target=goal)
        if (preview := await self._preview(request)) is None:
            return
        first = await self._plan_first(PLANNED[kind], goal) if kind in PLANNED else ()
        if await self._act(request, preview, first) and kind in WATCHED:
            self.console.goto("boot")

    async def _plan_first(self, verb: str, goal: str) -> tuple[Para, ...]:
        try:
            return plan_paras(await self._plan(verb, goal))
        except ConsoleError as error:
            return (para((f"The plan is not known: {error.sentence}", "bad")),)

    async def _plan(self, verb: str, goal: str) -> Plan:
        return await self.console.client.plan(PlanRequest(verb=verb, goal=goal))

    @work(group="act")
    async def choose_set(self, verb: str) -> None:
        """Let the operator choose a set by its plan, then ask for it."""
        stack = self.store.stack
        if stack is None:
            return
        names = {tier: " ".join(one.id for one in stack.services if tier in one.tiers) for tier in stack.tiers}
        goals = [*names.items(), ("", f"all {len(stack.services)} services")]
        if verb == "down" and self.service is not None:
            goals.insert(0, (self.service.id, "this service alone"))
        menu = GoalMenu(f"Which services to bring {verb}?", goals, lambda goal: self._plan(verb, goal))
        goal = await self.app.push_screen_wait(menu)
        if goal is not None:
            self.bring(f"stack.{verb}", goal)

    def do_up(self) -> None:
        """Bring the chosen service up."""
        if self.service is not None:
            self.bring("stack.up", self.service.id)

    def do_up_set(self) -> None:
        """Bring a set of services up."""
        self.choose_set("up")

    def do_down(self) -> None:
        """Take a set of services down."""
        self.choose_set("down")

    def do_recreate(self) -> None:
        """Make the chosen service's container anew."""
        if self.service is not None:
            self.bring("stack.recreate", self.service.id)

    def do_hold(self) -> None:
        """Hold the chosen service, or let it go."""
        if self.service is not None:
            self.bring("service.release" if self.service.held else "service.hold", self.service.id)

    @work(exclusive=True, group="check")
    async def do_check(self) -> None:
        """Climb the chosen service's ladder now."""
        one = self.service
        if one is None:
            return
        self.console.say(f"Checking {one.id} ...")
        try:
            stack = await self.console.client.check((one.id,))
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
            return
        found = next((item for item in stack.services if item.id == one.id), None)
        if found is not None:
            word = found.state.value.upper()
            self.console.say(f"{found.id} is {word}{f': {found.why}' if found.why else ''}")

    def show_why(self, one: Service) -> None:
        """Show the way from a service down to the root cause of its state."""
        stack = self.store.stack
        if stack is not None:
            self.app.push_screen(Reader(f"WHY  {one.id}", ladder.why(one, stack, self.store.down, self.store.now())))
