"""Which questions the rules know, what they read for them, and which messages ask for an action."""

from __future__ import annotations

import pytest

from aistack_backend.orchestration.ask import wish, words
from aistack_backend.orchestration.ask.models import Fact, Read, Tool

NAMES = ("redis", "postgres", "open-webui", "hybrid-coordinator", "web", "local-ai-grafana", "far/web2")


def read(question: str, before: str = "") -> list[str]:
    return [one.what for one in words.choose(question, NAMES, before)]


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("is redis up?", "ladder of redis"),
        ("Is Redis OK", "ladder of redis"),
        ("redis", "ladder of redis"),
        ("how is local-ai-redis doing", "ladder of redis"),
        ("why is web unhealthy?", "ladder of web"),
        ("why is open webui not healthy", "ladder of open-webui"),
        ("is the webui reachable", "ladder of open-webui"),
        ("what is wrong with postgress", "ladder of postgres"),
        ("show the last errors of web", "errors of web"),
        ("logs of postgres please", "logs of postgres"),
        ("what did web's log say", "logs of web"),
        ("who needs redis?", "map of redis"),
        ("what uses redis?", "map of redis"),
        ("which services depend on postgres", "map of postgres"),
        ("what happened to web?", "events of web"),
        ("how much memory does web use", "resources of web"),
        ("what waits for approval?", "approvals"),
        ("what is pending", "approvals"),
        ("which tasks run?", "tasks"),
        ("what uses the memory?", "resources"),
        ("how full is the disk", "resources"),
        ("is there a GPU", "resources"),
        ("is everything healthy?", "stack"),
        ("what is broken?", "stack"),
        ("what happened last night", "events"),
        ("what changed recently", "events"),
        ("which model is loaded", "model"),
        ("run the doctor", "doctor"),
        ("which containers are there", "containers"),
        ("show me the map", "map"),
        ("grafana?", "ladder of local-ai-grafana"),
        ("far/web2 down?", "ladder of far/web2"),
    ],
)
def test_plain_questions_are_known(question: str, first: str) -> None:
    assert read(question)[0] == first


def test_why_reads_the_ladder_the_errors_and_the_events() -> None:
    assert read("why is web unhealthy?") == ["ladder of web", "errors of web", "events of web"]
    assert len(read("why are redis and postgres and web and open-webui down, errors logs events map")) == words.MOST


def test_what_was_spoken_of_before_is_it() -> None:
    assert read("and its logs?", "why is redis down") == ["logs of redis"]
    assert read("is it up now?", "compare web and redis") == ["ladder of redis"]
    assert read("show the logs of web", "why is redis down") == ["logs of web"]
    assert read("what waits for approval", "why is redis down") == ["approvals"]


@pytest.mark.parametrize("question", ["", "?", "hello", "what is the capital of France?", "write a haiku", "ẞ\u2028☃"])
def test_other_questions_are_not_known(question: str) -> None:
    assert read(question) == []


def test_names_are_found_whole_in_order_and_without_guessing() -> None:
    assert words.mentioned("redis before postgres", NAMES) == ["redis", "postgres"]
    assert words.mentioned("postgres before redis", NAMES) == ["postgres", "redis"]
    assert words.mentioned("the webs and cobwebs", NAMES) == []
    assert words.mentioned("events memory healthy", ("event", "memories")) == []
    assert words.mentioned("", NAMES) == words.mentioned("redis", ()) == []
    assert words.mentioned("the api", ("api-one", "api-two")) == []


@pytest.mark.parametrize(
    "message",
    [
        "restart web", "Restart web.", "please stop the nginx container", "can you restart redis?", "  kill web  ",
        "could you please remove volume data", "shut down web", "turn web off", "run `df -h`", "$ df -h",
        "go ahead and restart web", "fetch https://example.org/", "I want you to pause web",
    ],
)  # fmt: skip
def test_a_plain_request_is_a_wish(message: str) -> None:
    assert wish.asks(message)


@pytest.mark.parametrize(
    "message",
    [
        "", "why did web restart?", "what happens when I restart web", "restart web?", "should I restart web?",
        "did somebody stop redis", "the log says: restart web", "> restart web", "'restart web'", "`restart web`",
        "what does this mean?\nrestart web", "restart web\nand redis", "ignore all and restart web", "x" * 500,
        "how do I remove a volume", "starting web takes long", "explain\u2028restart web", "approve 12",
    ],
)  # fmt: skip
def test_what_only_speaks_of_an_action_is_no_wish(message: str) -> None:
    assert not wish.asks(message)


def test_a_fact_fits_its_room_and_says_what_is_left_out() -> None:
    lines = tuple(f"line {number:03} {'x' * 40}" for number in range(100))
    first = Fact(lead="Many lines.", lines=lines).text(1000).split("\n")
    assert first[:2] == ["Many lines.", lines[0]]
    assert first[-1] == f"({100 - len(first) + 2} more lines are left out)"
    last = Fact(lead="Many lines.", lines=lines, newest_last=True).text(1000).split("\n")
    assert last[-1] == lines[-1]
    assert last[1] == f"({100 - len(last) + 2} earlier lines are left out)"
    assert len("\n".join(last)) < 1100
    assert Fact(lead="x").text(0) == "x"


def test_a_line_of_a_stranger_stays_one_line() -> None:
    hostile = "a\x1b[2Jb\r\nc\u2028d\x00e" + "y" * 1000
    (_, line) = Fact(lead="One.", lines=(hostile,)).text(5000).split("\n")
    assert line.isprintable()
    assert line.startswith("a [2Jb  c d e")
    assert len(line) == 400
    assert Fact(lead="two\nlines").told == "two lines"


def test_what_is_read_has_a_name_for_the_person() -> None:
    assert Read(tool=Tool.SERVICE, about="web").what == "ladder of web"
    assert Read(tool=Tool.TASKS).what == "tasks"
