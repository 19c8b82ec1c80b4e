"""The routes of workflows and their runs."""

from __future__ import annotations

from urllib.parse import quote

from aistack_backend.wire.flows import (
    FlowCheck,
    FlowRequest,
    FlowRun,
    FlowRunList,
    FlowVerdict,
    RerunRequest,
    Workflow,
    WorkflowList,
)
from aistack_console.client.calls import Calls


class FlowCalls(Calls):
    """Lists and checks workflows, runs them, looks at their runs."""

    async def workflows(self) -> WorkflowList:
        """Return every workflow and every engine that can be asked."""
        return await self._get("/v1/workflows", WorkflowList)

    async def workflow(self, name: str) -> Workflow:
        """Return one workflow with its text."""
        return await self._get(f"/v1/workflows/{quote(name, safe='')}", Workflow)

    async def check_workflow(self, request: FlowCheck) -> FlowVerdict:
        """Return every fault of a file's text."""
        return await self._post("/v1/workflow-check", request, FlowVerdict)

    async def run_workflow(self, request: FlowRequest) -> FlowRun:
        """Begin a run."""
        return await self._post("/v1/runs", request, FlowRun)

    async def flow_runs(self) -> FlowRunList:
        """Return the newest runs, newest first, without what came of their steps."""
        return await self._get("/v1/runs", FlowRunList)

    async def flow_run(self, task_id: int) -> FlowRun:
        """Return one run with its steps."""
        return await self._get(f"/v1/runs/{task_id}", FlowRun)

    async def rerun_workflow(self, task_id: int, step: str) -> FlowRun:
        """Begin a new run from one step of a run that has ended."""
        return await self._post(f"/v1/runs/{task_id}/rerun", RerunRequest(step=step), FlowRun)
