"""From a key to an action: preview, the dialog with the whole action, then one request. One gate for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual import work

from aistack_backend.wire.actions import ActionRequest, Approval, DecideRequest, Verdict
from aistack_backend.wire.tasks import Task, TaskState
from aistack_console.errors import ConsoleError
from aistack_console.present.approvals import evidence, said
from aistack_console.present.asked import Undo, undo
from aistack_console.present.batch import alone, combined, evidence_of_all
from aistack_console.present.para import Para, para
from aistack_console.present.tasks import ENDED
from aistack_console.screens.base import BaseScreen
from aistack_console.widgets.approval_dialog import ApprovalDialog
from aistack_console.widgets.confirm import Confirm

Asked = tuple[ActionRequest, Approval]


class ActingScreen(BaseScreen):
    """A screen whose keys can change something."""

    def __init__(self) -> None:
        super().__init__()
        self._asked: dict[str, int] = {}

    @property
    def waiting(self) -> bool:
        """Whether an action that was asked from here was still under way when last looked at."""
        return bool(self._asked)

    def own_tasks(self) -> dict[str, Task]:
        """Return the task of each target that was acted on from here and whose task has not ended.

        A task that ended in anything but done is told once.
        """
        found = {one.id: one for one in self.store.tasks.tasks} if self.store.tasks else {}
        mine = {target: found[number] for target, number in self._asked.items() if number in found}
        for target, task in mine.items():
            if task.state in ENDED:
                del self._asked[target]
                if task.state is not TaskState.DONE:
                    said = task.reason or task.result.split("\n", 1)[0]
                    self.console.say(f"Task {task.id} {task.goal}: {task.state.value}. {said}", "bad")
        return {target: task for target, task in mine.items() if task.state not in ENDED}

    @work(group="act")
    async def act(self, request: ActionRequest) -> None:
        """Show what would run and how it is judged; ask for it when the operator confirms."""
        if (preview := await self._preview(request)) is not None:
            await self._act(request, preview)

    @work(group="undo")
    async def undo(self) -> None:
        """Take the last own action back: by its other way, which the gate judges anew, or say why not."""
        client = self.console.client
        found = undo(tuple(client.asked.entries), self.store.tasks)
        if found.why_not:
            self.console.say(found.why_not, "warn")
        elif found.request is not None:
            if (preview := await self._preview(found.request)) is not None:
                await self._act(found.request, preview, (para((f"To {found.request.reason}", "accent")),))
        elif await self.app.push_screen_wait(Confirm(found.question)):
            await self._undo_at_once(found)

    async def _undo_at_once(self, found: Undo) -> None:
        client = self.console.client
        try:
            if found.rule:
                rule = await client.revoke_rule(found.rule)
                self.console.say(f"Rule {rule.id} is {rule.ended}.")
            else:
                task = await (client.resume_task(found.resume) if found.resume else client.pause_task(found.pause))
                self.console.say(f"Task {task.id}: {task.state.value}. {task.reason}")
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")

    @work(group="act")
    async def act_on_all(self, requests: Sequence[ActionRequest]) -> None:
        """Ask once for all of them, each shown whole; what must be asked on its own has its dialog afterwards."""
        asked = [(one, preview) for one in requests if (preview := await self._preview(one)) is not None]
        now = self.store.now()
        together = [pair for pair in asked if not alone(pair[1], now)]
        if len(together) < 2:
            together = []
        elif not await self._act_together(together):
            return
        for request, preview in (pair for pair in asked if pair not in together):
            if not await self._act(request, preview):
                return

    async def _preview(self, request: ActionRequest) -> Approval | None:
        try:
            return await self.console.client.preview(request)
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
            return None

    async def _act(self, request: ActionRequest, preview: Approval, first: tuple[Para, ...] = ()) -> bool:
        """Ask about one action; ``first`` is shown above it. Return whether it was asked for."""
        queued = preview.ready_at > self.store.now() or preview.people > 1  # nobody can confirm it here and now
        shown = replace(preview, ready_at=0.0, code="", typed_name="") if queued else preview

        async def submit(decision: DecideRequest) -> None:
            confirmed = "" if queued else preview.action_hash
            asked = replace(request, confirmed_hash=confirmed, code=decision.code, typed_name=decision.typed_name)
            self.console.say(await self._ask(asked))

        dialog = ApprovalDialog(shown, submit, now=self.store.now, paras=lambda one, now: (*first, *evidence(one, now)))
        return await self.app.push_screen_wait(dialog)

    async def _act_together(self, asked: Sequence[Asked]) -> bool:
        previews = [preview for _, preview in asked]

        async def submit(_: DecideRequest) -> None:
            said = []
            for request, preview in asked:
                each = replace(request, confirmed_hash=preview.action_hash, code=preview.code)
                try:
                    said.append(await self._ask(each))
                except ConsoleError as error:
                    said.append(f"{preview.title}: {error.sentence}")
            self.console.say("\n".join(said))
            self.acted()

        dialog = ApprovalDialog(
            combined(previews), submit, now=self.store.now, paras=lambda _, now: evidence_of_all(previews, now)
        )
        return await self.app.push_screen_wait(dialog)

    def acted(self) -> None:
        """Take note that an action on several targets was asked."""

    async def _ask(self, request: ActionRequest) -> str:
        """Send one confirmed action and return what became of it."""
        task = await self.console.client.act(request)
        self._asked[request.target] = task.id
        self.repaint()
        good = task.state in {TaskState.QUEUED, TaskState.RUNNING, TaskState.DONE}
        return f"{task.goal}: {task.state.value} (task {task.id})" + ("" if good else f". {task.reason}")

    @work(group="decide")
    async def decide(self, approval: Approval, *, deny: bool = False, stop: bool = False) -> None:
        """Open the dialog on an approval of the queue; ``stop`` ends its task too, once it is denied."""
        console = self.console

        async def submit(decision: DecideRequest) -> None:
            decided = await console.client.decide(approval.id, decision)
            denied = decision.verdict is not Verdict.APPROVE
            console.say(f"{said(decided)}.")
            if stop and denied:
                await self._stop_task(approval.task_id)

        async def go_on() -> None:
            await console.client.go_on(approval.id)

        off = self.cannot_decide()
        dialog = ApprovalDialog(approval, submit, now=self.store.now, off=off, deny=deny, go_on=go_on)
        leave = self.store.listen(lambda _: self._follow(dialog))
        try:
            await self.app.push_screen_wait(dialog)
        finally:
            leave()

    async def _stop_task(self, task_id: int) -> None:
        """Stop the task of a denied action; that it has ended by the denial itself is told as that."""
        try:
            task = await self.console.client.stop_task(task_id)
        except ConsoleError as error:
            self.console.say(error.sentence)
        else:
            self.console.say(f"Task {task.id}: {task.state.value}.")

    def cannot_decide(self) -> str:
        """Return why nothing can be decided from this console now; empty = it can."""
        if self.console.view_only:
            return "This console was started with --view-only."
        return "" if self.store.down is None else "The backend does not answer."

    def _follow(self, dialog: ApprovalDialog) -> None:
        for one in self.store.approvals.approvals if self.store.approvals else ():
            if one.id == dialog.approval.id and dialog.is_mounted:
                dialog.update(one)
