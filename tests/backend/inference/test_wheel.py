"""The engine cache: keyed by what matters, one builder, and a clear word when it cannot be built."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

import pytest

from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.inference import wheel
from aistack_backend.inference.packages import Stopper, bytes_done, pip

NAME = f"llama_cpp_python-{wheel.VERSION}-py3-none-linux_x86_64.whl"


def silent(stage: str, done: int, total: int | None, unit: str, detail: str) -> None:
    return


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


def test_the_key_names_what_a_native_build_depends_on() -> None:
    assert wheel.cache_key() == wheel.cache_key()
    assert wheel.VERSION in wheel.cache_key()
    assert "hypervisor" not in wheel.cpu_flags()


def test_another_cpu_has_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    here = wheel.cache_key()
    monkeypatch.setattr(wheel, "CMAKE_ARGS", "-DGGML_NATIVE=OFF")
    assert wheel.cache_key() != here


@pytest.mark.parametrize(
    ("flags", "wanted"), [(["amx_int8", "amx_tile", "avx2"], wheel.NO_AMX), (["avx2"], ""), ([], "")]
)
def test_amx_is_left_out_and_the_key_says_so(monkeypatch: pytest.MonkeyPatch, flags: list[str], wanted: str) -> None:
    monkeypatch.setattr(wheel, "cpu_flags", lambda: flags)
    assert wheel.compiler_flags() == wanted
    here = wheel.cache_key()
    monkeypatch.setattr(wheel, "compiler_flags", lambda: "")
    assert (wheel.cache_key() == here) is not bool(wanted)


@pytest.mark.parametrize("name", ["other-1.0-py3-none-any.whl", "llama_cpp_python-0.3.35-py3-none-any.whl", NAME])
def test_what_is_no_wheel_of_this_version_is_refused(tmp_path: Path, name: str) -> None:
    given = tmp_path / name
    given.write_bytes(b"no zip")
    with pytest.raises(BadInput, match="is not a wheel"):
        wheel.prepare(tmp_path / "cache", silent, Stopper(), given)


def test_no_compiler_is_told_with_the_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="no C\\+\\+ compiler") as caught:
        wheel.prepare(tmp_path / "cache", silent, Stopper())
    assert "apt install g++" in caught.value.hint


@pytest.mark.usefixtures("offline")
def test_a_build_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="pip wheel failed"):
        wheel.prepare(tmp_path / "cache", silent, Stopper())
    assert list(wheel.site_folder(tmp_path / "cache").parent.iterdir()) == []


def test_a_second_builder_waits_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    waiting = threading.Event()
    stopper = Stopper()
    failures: list[Unavailable] = []

    def tell(stage: str, done: int, total: int | None, unit: str, detail: str) -> None:
        if "Another process" in detail:
            waiting.set()

    def build() -> None:
        try:
            wheel.prepare(tmp_path, tell, stopper)
        except Unavailable as error:
            failures.append(error)

    with (tmp_path / "engine" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        builder = threading.Thread(target=build)
        builder.start()
        assert waiting.wait(5)
        stopper.stop()
        builder.join(5)
    assert [error.type for error in failures] == ["stopped"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    with pytest.raises(Unavailable, match="cannot be stored"):
        wheel.prepare(tmp_path / "cache", silent, Stopper())


@pytest.mark.timeout(10)
def test_stopping_kills_the_child_with_all_it_started() -> None:
    stopper = Stopper()
    with stopper.watching(["bash", "-c", "set -m; sleep 60 & echo up; wait"], os.environ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "up\n"
        stopper.stop()
        assert child.wait(5) < 0
        assert child.stdout.read() == ""  # the sleeper, in a group of its own, held the other end
    with pytest.raises(Unavailable):
        pip(["list"], stopper, lambda _: None)


def test_pips_raw_progress_is_read() -> None:
    assert bytes_done("Progress 12 of 345\n") == (12, 345)
    assert bytes_done("Collecting x") is None


@pytest.mark.engine
def test_a_ready_cache_costs_nothing(site: Path, cache: Path) -> None:
    assert wheel.prepare(cache, silent, Stopper()) == site
    assert (site / "llama_cpp" / "lib" / "libllama.so").is_file()
    assert not (site / "include").exists()
