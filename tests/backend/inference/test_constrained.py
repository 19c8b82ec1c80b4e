"""Whatever the model is told, what it writes within a schema keeps to it: the bench counts a thousand, a soak too."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from bench.engine_forms import outputs

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("count", [8, pytest.param(1_000, marks=[pytest.mark.soak, pytest.mark.timeout(1_800)])])
def test_constrained_outputs_keep_to_their_schemas(site: Path, smollm: Path, count: int) -> None:
    wrong, cut = asyncio.run(outputs(site, smollm, count))
    assert wrong.value == 0, wrong.name
    assert cut.value is not None
    assert cut.value <= count / 4
