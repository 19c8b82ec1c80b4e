"""Wheel, sdist and editable install all work, carry everything, and put only our own names beside others'."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"aistack_console": ROOT / "console", "aistack_backend": ROOT / "backend"}
PROBE = """
import aistack_backend, aistack_console
from importlib.resources import files
print(aistack_console.__file__)
print(aistack_backend.__file__)
"""


def call(*words: str | Path, cwd: Path | None = None) -> str:
    """Run a program to its end; return what it printed."""
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the files that belong to the repository, as they are now."""
    copy = tmp_path_factory.mktemp("checkout")
    names = call("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    return copy


def build(kind: str, folder: Path, out: Path) -> Path:
    """Build a wheel or an sdist of a source folder."""
    call(sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", out, cwd=folder)
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel."""
    return build("wheel", checkout, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist."""
    return build("sdist", checkout, tmp_path_factory.mktemp("sdist"))


def environment(folder: Path) -> Path:
    """An environment that sees the libraries of this one, but not its editable install of ourselves."""
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "python"


def install(python: Path, *what: str | Path) -> None:
    """Install without an index and without dependencies."""
    uv = Path(sys.executable).with_name("uv")
    if uv.exists():
        call(uv, "pip", "install", "-q", "--offline", "--no-deps", "--no-build-isolation", "--python", python, *what)
    else:
        call(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index",
             "--no-build-isolation", *what)  # fmt: skip


def proves_itself(python: Path, home: Path) -> None:
    """The two commands run, and both packages come from ``home``."""
    for module in call(python, "-P", "-c", PROBE).split():
        assert Path(module).is_relative_to(home)
    assert call(python.with_name("aistack-console"), "--version").startswith("aistack-console ")
    assert "serve" in call(python.with_name("aistack-backend"), "--help")
    assert "approvals.threshold" in call(python.with_name("aistack-console"), "config", "explain")


def test_the_wheel_installs_and_runs(wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "v")
    install(python, wheel)
    proves_itself(python, tmp_path / "v")


def test_the_sdist_builds_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "s", filter="data")
    (folder,) = (tmp_path / "s").iterdir()
    again = build("wheel", folder, tmp_path / "w")
    assert zipfile.ZipFile(again).namelist() == zipfile.ZipFile(wheel).namelist()


def test_the_editable_install_runs_from_the_checkout(checkout: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "v")
    install(python, "-e", checkout)
    proves_itself(python, checkout)


def test_only_our_names_land_beside_others(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in tops if not name.endswith(".dist-info")} == set(PACKAGES)


def test_nothing_of_the_packages_is_left_out(wheel: Path, checkout: Path) -> None:
    """Layouts, type markers and data ship as well as code."""
    held = set(zipfile.ZipFile(wheel).namelist())
    for name, folder in PACKAGES.items():
        root = checkout / folder.relative_to(ROOT)
        missing = [
            path
            for path in (root / name).rglob("*")
            if path.is_file() and path.suffix != ".pyc" and str(path.relative_to(root)) not in held
        ]
        assert not missing
    assets = {"aistack_console": "themes", "aistack_backend": "compose"}
    for name, kind in assets.items():
        ours = [path for path in (checkout / kind).rglob("*") if path.is_file()]
        assert all(f"{name}/_assets/{path.relative_to(checkout)}" in held for path in ours)


def test_the_licence_goes_with_it(wheel: Path) -> None:
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/licenses/" in name]
    assert {Path(name).name for name in names} == {"LICENSE", "NOTICE"}
