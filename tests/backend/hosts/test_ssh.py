"""The command that makes a tunnel, and what ssh's complaints mean."""

from __future__ import annotations

import pytest

from aistack_backend.containers.hosts.ssh import arguments, blocked, meaning
from aistack_backend.wire.hosts import HostConfig
from aistack_backend.wire.sources import SourceState

HOST = HostConfig(name="web", user="root", host="box", port=2222, identity="/k", known_hosts="/a b")


def test_the_command_asks_nobody_and_trusts_no_unknown_key() -> None:
    words = arguments(HOST, "./web.sock")
    options = {words[i + 1] for i, word in enumerate(words) if word == "-o"}
    assert {"BatchMode=yes", "StrictHostKeyChecking=yes", "PasswordAuthentication=no"} <= options
    assert {"ExitOnForwardFailure=yes", "ControlMaster=no", "ControlPath=none"} <= options
    assert {'UserKnownHostsFile="/a b"', "GlobalKnownHostsFile=/dev/null", "IdentitiesOnly=yes"} <= options
    assert words[:5] == ("ssh", "-F", "none", "-N", "-T")
    assert words[-8:-6] == ("-L", "./web.sock:/run/podman/podman.sock")
    assert words[-6:] == ("-p", "2222", "-l", "root", "--", "box")


def test_without_files_those_of_ssh_are_used() -> None:
    words = arguments(HostConfig(name="web", user="root", host="::1"), "./web.sock")
    assert "-i" not in words
    assert not any("KnownHosts" in word or "IdentitiesOnly" in word for word in words)
    assert words[-1] == "::1"


@pytest.mark.parametrize(
    ("line", "state", "says", "fix"),
    [
        (
            "root@box: Permission denied (publickey).",
            "refused",
            "root@box:2222 does not take our key",
            "authorized_keys",
        ),
        (
            "Host key verification failed.",
            "refused",
            "host key of root@box:2222 is not known",
            "ssh-keyscan -p 2222 box",
        ),
        ("Host key for box has changed and you have requested strict checking.", "refused", "another host key", "/a b"),
        ("Warning: Identity file /k not accessible: No such file.", "refused", "/k cannot be read", "web.identity"),
        ("ssh: connect to host box port 2222: Connection refused", "refused", "No ssh server listens", "web.ssh"),
        (
            "ssh: Could not resolve hostname box: Name or service not known",
            "absent",
            "no machine called box",
            "web.ssh",
        ),
        ("ssh: connect to host box port 2222: Connection timed out", "hanging", "does not answer", "network"),
        ("Timeout, server box not responding.", "hanging", "does not answer", "network"),
        ("something new", "failed", "ended with exit code 255: something new.", "by itself"),
        ("", "failed", "ended with exit code 255.", "by itself"),
    ],
)
def test_each_complaint_is_one_sentence_with_its_fix(line: str, state: str, says: str, fix: str) -> None:
    said = meaning(["debug", line], HOST, 255) if line else meaning([], HOST, 255)
    assert said.state is SourceState(state)
    assert says in said.detail
    assert fix in said.hint


def test_a_signal_is_told() -> None:
    assert meaning([], HOST, -9).detail == "The tunnel to web ended by signal 9."


def test_a_socket_that_is_not_there_is_told_from_forwarding_that_is_forbidden() -> None:
    assert blocked(["all is well"], HOST) is None
    missing = blocked(["channel 1: open failed: connect failed: open failed"], HOST)
    assert missing is not None
    assert missing.detail == "On web there is no socket /run/podman/podman.sock that lets root in."
    forbidden = blocked(["channel 1: open failed: administratively prohibited: open failed"], HOST)
    assert forbidden is not None
    assert "AllowStreamLocalForwarding" in forbidden.hint
