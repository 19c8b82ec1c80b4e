"""What the tests of the rules share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.judgement import Judgement
from aistack_backend.approvals.risk import judge


@pytest.fixture
def judge_action() -> Callable[[str], Judgement]:
    """Give the judge of a shell action with this script."""

    def judged(script: str) -> Judgement:
        return judge(Action(kind="shell.run", script=script), managed=True)

    return judged
