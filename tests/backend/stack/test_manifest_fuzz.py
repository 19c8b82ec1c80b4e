"""Whatever stands in a Compose file: it is read, or told in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aistack_backend.containers.stack import schema
from aistack_backend.containers.stack.load import load
from aistack_backend.containers.stack.place import ManifestError

WORDS = [
    "a",
    "b",
    "test",
    "source",
    "target",
    "limits",
    "resources",
    "memory",
    "path",
    "probes",
    "rung",
    "kind",
    "heal",
    "secret",
    "timeout",
]
SCALARS = (None, True, False, -3, 0, 80, 70_000, 1.5, float("nan"), "", "a", "v:/x", "80:80", "$X", "1g", "5s", "\x7f")
VALUES = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.dictionaries(st.sampled_from(sorted({*schema.SERVICE, "x-aistack"})), VALUES, max_size=3)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=KEYS, top=VALUES)
def test_whatever_stands_there_is_read_or_told(tmp_path: Path, keys: dict[str, Any], top: Any) -> None:
    document = {"services": {"a": {"image": "x", **keys}, "b": {"image": "y"}}, "volumes": {"v": None}, "secrets": top}
    file = tmp_path / "fuzz.yml"
    file.write_text(yaml.safe_dump(document))
    said = ""
    try:
        load([file], {})
    except ManifestError as error:
        said = str(error)
    assert not said or said.startswith(f"{file}:")
