"""The doctor: every check has a limit, a sentence and a fix; the worst come first."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

from aistack_backend.errors import Unavailable
from aistack_backend.observe import checks
from aistack_backend.observe.doctor import Check, Doctor
from aistack_backend.wire.status import Finding


def fine() -> Finding:
    return Finding(name="fine", ok=True, detail="Well.")


async def test_the_worst_come_first_and_a_hanging_check_is_cut() -> None:
    hang = threading.Event()

    def broken() -> Finding:
        raise RuntimeError("boom")

    bad = Check("bad", lambda: Finding(name="bad", ok=False, detail="Bad."))
    hangs = Check("hangs", lambda: (hang.wait(10), fine())[1])
    report = await Doctor([Check("fine", fine), hangs, Check("broken", broken), bad], limit=0.05).report()
    hang.set()
    assert [finding.name for finding in report.findings] == ["bad", "hangs", "broken", "fine"]
    assert report.findings[1].detail == "No answer within 0.05 s."
    assert report.findings[2].detail == "The check failed: RuntimeError: boom."


def test_the_data_folder_must_be_private(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert checks.folder_is_private(folder).ask().ok is None
    folder.mkdir(mode=0o700)
    assert checks.folder_is_private(folder).ask().ok is True
    folder.chmod(0o750)
    finding = checks.folder_is_private(folder).ask()
    assert finding.ok is False
    assert f"chmod 700 {folder}" in finding.fix
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert checks.folder_is_private(link).ask().ok is False


def test_the_disk_is_measured_where_the_folder_will_be(tmp_path: Path) -> None:
    finding = checks.disk_has_room(tmp_path / "not" / "yet").ask()
    assert "GiB are free" in finding.detail
    assert str(tmp_path) in finding.detail


def test_the_socket_must_answer_and_be_private(tmp_path: Path) -> None:
    path = tmp_path / "s"
    gone = checks.socket_is_private(path).ask()
    assert (gone.ok, "does not answer" in gone.detail) == (False, True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        path.chmod(0o600)
        assert checks.socket_is_private(path).ask().ok is True
        path.chmod(0o666)
        assert checks.socket_is_private(path).ask().fix == f"chmod 600 {path}"


def test_podman_tells_what_was_tried_and_the_hint() -> None:
    def down() -> str:
        raise Unavailable("No Podman socket exists.", "Start it.")

    finding = checks.podman_answers(down, lambda: "/a, /b").ask()
    assert (finding.ok, finding.detail) == (False, "No Podman socket exists. Tried: /a, /b.")
    assert finding.fix == "Start it."
    assert checks.podman_answers(lambda: "unix:///p", str).ask().detail == "Podman answers: unix:///p."


def test_lingering_matters_only_where_systemd_ends_sessions(tmp_path: Path) -> None:
    without = checks.survives_logout(tmp_path / "linger", tmp_path / "nosystemd").ask()
    assert without.ok is True
    withit = checks.survives_logout(tmp_path / "linger", tmp_path).ask()
    assert withit.ok is (os.getuid() == 0)


def test_a_part_without_fault_is_well() -> None:
    assert checks.nothing_wrong("x", str, "All well.", "Do it.").ask() == Finding(name="x", ok=True, detail="All well.")
    bad = checks.nothing_wrong("x", lambda: "Broken.", "All well.", "Do it.").ask()
    assert (bad.ok, bad.detail, bad.fix) == (False, "Broken.", "Do it.")
