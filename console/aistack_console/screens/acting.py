"""From a key to an action: preview, the dialog with the whole action, then one request. One gate for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual import work

from aistack_backend.wire.actions import ActionRequest, Approval, DecideRequest, Verdict
from aistack_console.errors import ConsoleError
from aistack_console.screens.base import BaseScreen
from aistack_console.widgets.approval_dialog import ApprovalDialog


class ActingScreen(BaseScreen):
    """A screen whose keys can change something."""

    @work(group="act")
    async def act(self, request: ActionRequest) -> None:
        """Show what would run and how it is judged; ask for it when the operator confirms."""
        await self._act(request)

    @work(group="act")
    async def act_on_all(self, requests: Sequence[ActionRequest]) -> None:
        """Act on each in turn, a dialog each; leaving one dialog ends the row."""
        for number, request in enumerate(requests, 1):
            if not await self._act(request):
                self.console.say(f"Stopped after {number - 1} of {len(requests)}.")
                return

    async def _act(self, request: ActionRequest) -> bool:
        console = self.console
        try:
            preview = await console.client.preview(request)
        except ConsoleError as error:
            console.say(error.sentence, "bad")
            return False
        cooling = preview.ready_at > self.store.now()
        shown = replace(preview, ready_at=0.0, code="", typed_name="") if cooling else preview

        async def submit(decision: DecideRequest) -> None:
            confirmed = "" if cooling else preview.action_hash
            asked = replace(request, confirmed_hash=confirmed, code=decision.code, typed_name=decision.typed_name)
            task = await console.client.act(asked)
            console.say(f"Task {task.id} {task.goal}: {task.state.value}" + (f". {task.reason}" if task.reason else ""))

        dialog = ApprovalDialog(shown, submit, now=self.store.now)
        return await self.app.push_screen_wait(dialog)

    @work(group="decide")
    async def decide(self, approval: Approval) -> None:
        """Open the dialog on an approval of the queue."""
        console = self.console

        async def submit(decision: DecideRequest) -> None:
            decided = await console.client.decide(approval.id, decision)
            said = "Approved" if decision.verdict is Verdict.APPROVE else "Denied"
            console.say(f"{said} {decided.id}: {decided.title}.")

        dialog = ApprovalDialog(approval, submit, now=self.store.now, off=self.cannot_decide())
        leave = self.store.listen(lambda _: self._follow(dialog))
        try:
            await self.app.push_screen_wait(dialog)
        finally:
            leave()

    def cannot_decide(self) -> str:
        """Return why nothing can be decided from this console now; empty = it can."""
        if self.console.view_only:
            return "This console was started with --view-only."
        return "" if self.store.down is None else "The backend does not answer."

    def _follow(self, dialog: ApprovalDialog) -> None:
        for one in self.store.approvals.approvals if self.store.approvals else ():
            if one.id == dialog.approval.id and dialog.is_mounted:
                dialog.update(one)
