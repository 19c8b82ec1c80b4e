"""R4.6: in a network namespace of its own, with a counter, not one packet leaves while the way out is closed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CAN = bool(shutil.which("unshare") and shutil.which("ip"))


@pytest.mark.skipif(not CAN, reason="no unshare or no ip here")
def test_not_one_packet_leaves_while_it_is_closed(tmp_path: Path) -> None:
    box = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    if subprocess.run([*box, "ip", "link", "add", "x", "type", "veth"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace with a cable can be made here")
    words = [*box, sys.executable, "-m", "tests.backend.routing.boxed", str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    opened = found.pop("agents")
    packets = {name: one["packets"] for name, one in found.items()}
    print(f"R4.6: packets that left: {packets}")
    assert packets["open"] > 0, "the counter counts: with the way open, something is sent to the endpoint"
    assert {name: packets[name] for name in ("locked", "local-only", "private")} == {
        "locked": 0, "local-only": 0, "private": 0,
    }  # fmt: skip
    assert {one["answer"] for one in found.values()} == {"From here."}
    assert {one["route"] for one in found.values()} == {"local"}
    sent = {name: (one["locked"], one["open"]) for name, one in opened.items()}
    print(f"packets of what agents open, locked and open: {sent}")
    assert list(sent) == ["fetch", "page", "clone", "nixos", "bundle", "agent's model", "http agent"]
    assert {name: locked for name, (locked, _) in sent.items() if locked} == {}
    assert [name for name, (_, way_open) in sent.items() if not way_open] == []
    for one in opened.values():
        assert "operator:test closed it. Open it with: aistack-console route unlock" in one["locked says"]
