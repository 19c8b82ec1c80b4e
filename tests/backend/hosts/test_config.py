"""``[hosts.NAME]``: what is taken, and one clear sentence for what is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aistack_backend.settings import resolve
from aistack_backend.wire.config import ConfigError
from aistack_backend.wire.configfile import load
from aistack_backend.wire.hosts import HostConfig

LOGIN = 'ssh = "root@web"\n'


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def test_hosts_stand_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '[hosts.web]\nssh = "root@10.0.0.5:2222"\nidentity = "~/.ssh/id"\n'
        '[hosts.gpu]\nssh = "ann@[::1]"\nsocket = "/run/user/1000/podman/podman.sock"\n',
    )
    loaded = load(path, {"HOME": "/home/ann"})
    web, gpu = loaded.config.hosts
    assert web == HostConfig(name="web", user="root", host="10.0.0.5", port=2222, identity="/home/ann/.ssh/id")
    assert web.address == "ssh://root@10.0.0.5:2222/run/podman/podman.sock"
    assert gpu.address == "ssh://ann@[::1]:22/run/user/1000/podman/podman.sock"
    row = next(row for row in loaded.rows if row.key == "hosts.web.ssh")
    assert (row.value, row.source) == ("root@10.0.0.5:2222", f"{path}:2")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("hosts = 3\n", 1, "hosts must be a section"),
        ("[hosts]\nweb = 3\n", 2, "hosts.web must be a section, written [hosts.web]"),
        ("[hosts.web]\n", 1, 'hosts.web.ssh must be "user@host" or "user@host:port", not \'\''),
        (f"[hosts.web]\n{LOGIN}shh = 'x'\n", 3, "no key hosts.web.shh; did you mean ssh?"),
        ("[hosts.web]\nssh = 3\n", 2, "hosts.web.ssh must be text, not 3"),
        ("[hosts.web]\nssh = 'web'\n", 2, 'must be "user@host"'),
        ("[hosts.web]\nssh = '-oProxyCommand=x@web'\n", 2, 'must be "user@host"'),
        ("[hosts.web]\nssh = 'root@-oProxyCommand=x'\n", 2, 'must be "user@host"'),
        ("[hosts.web]\nssh = 'root@web -v'\n", 2, 'must be "user@host"'),
        ("[hosts.web]\nssh = 'root@web:0'\n", 2, 'must be "user@host"'),
        ("[hosts.web]\nssh = 'root@web:70000'\n", 2, 'must be "user@host"'),
        ("[hosts.web]\nssh = 'ann@web'\n", 1, "hosts.web.socket is needed for ann"),
        (f"[hosts.web]\n{LOGIN}socket = 'podman.sock'\n", 3, "hosts.web.socket must be an absolute path"),
        (f"[hosts.web]\n{LOGIN}socket = '/a:/b'\n", 3, "hosts.web.socket must be an absolute path"),
        (f"[hosts.web]\n{LOGIN}identity = 'id'\n", 3, "hosts.web.identity must be an absolute path"),
        (f"[hosts.web]\n{LOGIN}identity = '-v'\n", 3, "hosts.web.identity must be an absolute path"),
        (f"[hosts.web]\n{LOGIN}known_hosts = '/a$HOME'\n", 3, "hosts.web.known_hosts must be an absolute path"),
        (f"[hosts.local]\n{LOGIN}", 1, "hosts.local must be named"),
        (f"[hosts.Local]\n{LOGIN}", 1, "hosts.Local must be named"),
        (f"[hosts.-v]\n{LOGIN}", 1, "hosts.-v must be named by letters, digits"),
    ],
)
def test_a_mistake_names_file_line_key_and_the_right_thing(tmp_path: Path, text: str, line: int, says: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path, {"HOME": "/home/ann"})
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert says in str(caught.value)


def test_a_name_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, f"[hosts.{'a' * 32}]\n{LOGIN}")
    data = tmp_path / "d"
    deep = data / ("x" * (85 - len(str(data))))
    with pytest.raises(ConfigError, match="bytes too long for a socket"):
        resolve({}, config_file=path, data_dir=deep)


@pytest.mark.parametrize("name", ["w\u0435b", "web\u200b", "web/x", "", "..", "web\n"])
def test_a_name_that_looks_like_another_is_refused(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, f"[hosts.{json.dumps(name)}]\n{LOGIN}")
    with pytest.raises(ConfigError, match="must be named by letters, digits"):
        load(path, {"HOME": "/home/ann"})
