"""The dashboard as a person runs it: the note's curl, the link, a port in use, a real browser."""

from __future__ import annotations

import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bed.backend import CONSOLE, House, wait_until
from tests.bed.browser import Browser


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Page:
    """A dashboard that runs until the test ends."""

    def __init__(self, home: House) -> None:
        self.home, self.port = home, free_port()
        command = [CONSOLE, "dashboard", "--port", str(self.port)]
        self.process = subprocess.Popen(command, env=home.env, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.said = [self.process.stdout.readline() for _ in range(3)]

    @property
    def base(self) -> str:
        return f"http://localhost:{self.port}"

    def link(self) -> str:
        return self.home.cli("dashboard", "--link", "--port", str(self.port)).stdout.strip()

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        assert self.process.stdout
        self.process.stdout.close()
        return code


@pytest.fixture
def page(up: House) -> Iterator[Page]:
    found = Page(up)
    yield found
    if found.process.poll() is None:
        found.end()


def read(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def test_the_notes_curl_works_and_the_end_is_clean(page: Page, up: House) -> None:
    assert "service" in read(f"{page.base}/dashboard.html")
    assert page.said[2] == "It is view-only.\n"
    assert page.link() in page.said[1]
    token = up.data / "run" / "dashboard.token"
    assert token.exists()
    assert page.end() == 0
    assert not token.exists()
    said = up.cli("dashboard", "--link", code=None)
    assert (said.returncode, "No dashboard serves" in said.stderr) == (1, True)


def test_a_dead_backend_is_said_on_the_page(page: Page, up: House) -> None:
    up.stop_backend()
    wait_until(lambda: "unknown: " in read(f"{page.base}/dashboard.html"), 10, lambda: "the page still tells values")


def test_a_port_in_use_is_one_sentence(up: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = up.cli("dashboard", "--port", str(taken.getsockname()[1]), code=1)
    assert said.stderr.startswith("aistack-console: The dashboard cannot listen on 127.0.0.1:")
    assert said.stderr.count("\n") == 1


@pytest.mark.soak
async def test_a_real_browser_gets_the_console_once(page: Page, tmp_path: Path) -> None:
    link = page.link()
    async with Browser(tmp_path / "profile") as browser:
        await browser.open(link)
        await browser.until("location.pathname == '/' && document.body.classList.contains('-first-byte')")
        await browser.picture(tmp_path / "dashboard.png")
        here = f"http://127.0.0.1:{page.port}/"
        assert [asked for asked in browser.asked if not asked.startswith(here)] == []
    async with Browser(tmp_path / "other") as browser:
        await browser.open(link)  # used up
        await browser.until("document.body.innerText.includes('has been used')")
        await browser.open(f"http://127.0.0.1:{page.port}/dashboard.html")
        await browser.until("document.body.innerText.includes('service')")
        script = f"new Promise((done) => {{ const s = new WebSocket('ws://127.0.0.1:{page.port}/ws');"
        script += " s.onopen = () => done('open'); s.onerror = () => done('refused'); })"
        assert await browser.value(script) == "refused"
