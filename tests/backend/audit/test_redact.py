"""Secrets never reach the log: by shape, by name, by place, and when they are known (R2.7)."""

from __future__ import annotations

import random
import re
import stat
import string
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aistack_backend.audit.formats import SHAPES
from aistack_backend.audit.log import AuditLog
from aistack_backend.audit.redact import LIMIT, Redactor, host_key
from aistack_backend.clock import HandClock
from aistack_backend.errors import Unavailable
from aistack_backend.store.database import Database
from aistack_backend.wire.audit import Phase

RNG = random.Random(7)
REDACTOR = Redactor(b"k" * 32)
MARK = re.compile(r"hmac:[0-9a-f]{12}")


def some(alphabet: str, length: int) -> str:
    return "".join(RNG.choice(alphabet) for _ in range(length))


def w(length: int) -> str:
    return some(string.ascii_letters + string.digits, length)


def h(length: int) -> str:
    return some("0123456789abcdef", length)


def up(length: int) -> str:
    return some(string.ascii_uppercase + string.digits, length)


# Made from pieces at run time, so that no scanner takes this file for a leak.
SAMPLES = {
    "age key": lambda: "AGE-SECRET-" + "KEY-1" + up(58),
    "Airtable": lambda: "pat" + w(14) + "." + h(64),
    "Anthropic": lambda: "sk-" + "ant-api03-" + w(90),
    "Atlassian": lambda: "ATATT" + "3x" + w(180),
    "AWS access key id": lambda: "AK" + "IA" + up(16),
    "Brevo": lambda: "xkey" + "sib-" + h(64) + "-" + w(16),
    "Databricks": lambda: "da" + "pi" + h(32),
    "DigitalOcean": lambda: "dop" + "_v1_" + h(64),
    "Discord bot": lambda: "M" + w(23) + "." + w(6) + "." + w(27),
    "Docker Hub": lambda: "dckr" + "_pat_" + w(27),
    "Doppler": lambda: "dp." + "pt." + w(43),
    "Figma": lambda: "fig" + "d_" + w(40),
    "Fly.io": lambda: "fo" + "1_" + w(43),
    "GitHub": lambda: RNG.choice(["gh" + "p_" + w(36), "github" + "_pat_" + w(22) + "_" + w(59)]),
    "GitLab": lambda: "gl" + "pat-" + w(20),
    "Google API": lambda: "AI" + "za" + w(35),
    "Google OAuth": lambda: RNG.choice(["GOC" + "SPX-" + w(28), "ya" + "29." + w(60)]),
    "Grafana": lambda: "gl" + "sa_" + w(32) + "_" + h(8),
    "Groq": lambda: "gs" + "k_" + w(52),
    "Heroku": lambda: "HR" + "KU-" + w(60),
    "Hugging Face": lambda: "hf" + "_" + w(34),
    "JSON web token": lambda: "ey" + "J" + w(30) + ".ey" + "J" + w(60) + "." + w(43),
    "Linear": lambda: "lin" + "_api_" + w(40),
    "Mailchimp": lambda: h(32) + "-us" + "12",
    "Mailgun": lambda: "key" + "-" + h(32),
    "Netlify": lambda: "nf" + "p_" + w(40),
    "New Relic": lambda: "NR" + "AK-" + up(27),
    "Notion": lambda: "nt" + "n_" + w(46),
    "npm": lambda: "np" + "m_" + w(36),
    "OpenAI and alike": lambda: RNG.choice(["sk-" + w(48), "sk-" + "proj-" + w(120)]),
    "Perplexity": lambda: "pp" + "lx-" + w(48),
    "PlanetScale": lambda: "pscale" + "_tkn_" + w(43),
    "Postman": lambda: "PM" + "AK-" + h(24) + "-" + h(34),
    "Pulumi": lambda: "pu" + "l-" + h(40),
    "PyPI": lambda: "py" + "pi-AgEI" + w(120),
    "Replicate": lambda: "r8" + "_" + w(37),
    "RubyGems": lambda: "ruby" + "gems_" + h(48),
    "SendGrid": lambda: "S" + "G." + w(22) + "." + w(43),
    "Sentry": lambda: "sntr" + "ys_" + w(80),
    "Shopify": lambda: "shp" + "at_" + h(32),
    "Slack": lambda: RNG.choice(["xo" + "xb-" + w(40), "xa" + "pp-1-" + w(40)]),
    "Slack webhook": lambda: "https://hooks.slack.com/" + "services/T" + up(8) + "/B" + up(8) + "/" + w(24),
    "Square": lambda: "sq0" + "atp-" + w(22),
    "Stripe": lambda: RNG.choice(["sk", "rk"]) + "_li" + "ve_" + w(24),
    "Supabase": lambda: "sb" + "p_" + h(40),
    "Tailscale": lambda: "ts" + "key-auth-" + w(30),
    "Telegram bot": lambda: some(string.digits, 9) + ":A" + "A" + w(33),
    "Terraform Cloud": lambda: w(14) + ".atlas" + "v1." + w(67),
    "Twilio": lambda: "S" + "K" + h(32),
    "Vault": lambda: "hv" + "s." + w(24),
    "xAI": lambda: "xa" + "i-" + w(80),
}
PLACES = (
    "{}",
    "the key is {} now",
    "curl -H 'X-Key: {}' http://x",
    '{{"value": "{}"}}',
    "a={} b=c",
    "({})",
    "line\n{}\nline",
    "error: '{}' was refused",
)


def test_there_is_a_sample_of_every_shape() -> None:
    assert set(SAMPLES) == set(SHAPES)
    assert len(SHAPES) >= 30


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_shape_is_taken_out_wherever_it_stands(name: str) -> None:
    for place in PLACES:
        secret = SAMPLES[name]()
        shown = REDACTOR.text(place.format(secret))
        assert secret not in shown, (place, shown)
        assert MARK.search(shown), (place, shown)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abc.def-123456", "abc.def-123456"),
        ("authorization: basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("-H 'Authorization: Token 12345abc'", "12345abc"),
        ("Proxy-Authorization: Digest xyz12345", "xyz12345"),
        ("Authorization: s3cr3tvalue", "s3cr3tvalue"),
        ("sent bearer QUJDREVGR0g= along", "QUJDREVGR0g="),
        ("postgresql://app:hunter22@db:5432/x", "hunter22"),
        ("redis://:hunter22@cache", "hunter22"),
        ("PGPASSWORD=hunter22 psql", "hunter22"),
        ("export DB_PASSWORD='hunter 22'", "hunter 22"),
        ("password: hunter22", "hunter22"),
        ('"api_key": "hunter22"', "hunter22"),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI/K7MDENG"),
        ("--password hunter22 --user x", "hunter22"),
        ("--api-key=hunter22", "hunter22"),
        ("client_secret=hunter22&x=1", "hunter22"),
        ("Cookie: session0123456789", "session0123456789"),
        ("accessToken=hunter22", "hunter22"),
        ("AccountKey=aGVsbG8gd29ybGQ=;x", "aGVsbG8gd29ybGQ="),
    ],
)
def test_what_a_name_announces_is_taken_out(text: str, secret: str) -> None:
    shown = REDACTOR.text(text)
    assert secret not in shown, shown
    assert MARK.search(shown)


def test_private_keys_are_taken_out_whole_or_cut() -> None:
    body = "\n".join(w(64) for _ in range(5))
    for kind in ("RSA ", "EC ", "OPENSSH ", ""):
        head = f"-----BEGIN {kind}PRIVATE " + "KEY-----\n"
        for text in (f"x\n{head}{body}\n-----END {kind}PRIVATE " + "KEY-----\ny", f"x\n{head}{body}"):
            assert not any(line in REDACTOR.text(text) for line in body.splitlines())


@pytest.mark.parametrize(
    "text",
    [
        "restart container web because its health check failed 3 times",
        "c" * 64,
        "sha256:" + "0123456789abcdef" * 4,
        "/var/lib/containers/storage/volumes/pgdata/_data",
        "podman restart --time 10 web",
        "operator:root denied it: not during the backup",
        "http://127.0.0.1:8080/health?x=1",
        "2026-11-23T01:02:03+00:00",
        "550e8400-e29b-41d4-a716-446655440000",
        "tokens: 42, tokens_per_second 17.5",
        "task 5 was asked by agent:planner",
        "npm_config_cache",
        "skip-this-and-that-task",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert REDACTOR.text(text) == text


def test_details_are_searched_by_field_name_and_all_env_values_go() -> None:
    shown = REDACTOR.detail(
        {
            "env": {"LANG": "C.UTF-8", "X": "1"},
            "environment": ["A=b", "ONLYNAME", ("K", "v")],
            "password": "p",
            "nested": [{"api_key": 12345678, "apiToken": "abc"}],
            "argv": ["psql", "--password", "hunter22", "-h", "db"],
            "count": 3,
            "none": None,
            "flag": True,
        }
    )
    text = repr(shown)
    assert all(secret not in text for secret in ("C.UTF-8", "'b'", "'v'", "'p'", "'abc'", "hunter22"))
    assert (shown["count"], shown["none"], shown["flag"]) == (3, None, True)
    assert shown["environment"][1] == "ONLYNAME"
    assert shown["argv"][3:] == ["-h", "db"]


def test_known_secrets_are_found_anywhere_and_equal_ones_look_equal() -> None:
    redactor = Redactor(b"k" * 32, ["correct horse", "abc"])
    one, two = redactor.text("it is correct horse!"), redactor.text("correct horse, abc")
    assert MARK.findall(one) == MARK.findall(two) == [redactor.mark("correct horse")]
    assert "abc" in two  # too short to look for
    assert Redactor(b"x" * 32).mark("a") != redactor.mark("a")


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.text(max_size=80), st.sampled_from(sorted(SAMPLES)))
def test_twice_is_once(text: str, name: str) -> None:
    once = REDACTOR.text(f"{text} {SAMPLES[name]()} password={text}")
    assert REDACTOR.text(once) == once
    once.encode()


def test_long_texts_are_cut_and_no_secret_is_cut_in_half() -> None:
    for shift in range(-60, 60, 7):
        secret = SAMPLES["GitHub"]()
        shown = REDACTOR.text("x" * (LIMIT + shift - 20) + " " + secret + " " + "y" * 9000)
        assert secret[:12] not in shown
        assert len(shown) < LIMIT + 100
        assert f"({LIMIT + shift - 20 + 2 + len(secret) + 9000} characters in all)" in shown


@pytest.mark.parametrize("piece", ["a-", "token", "a.", "sk-", "A", "--", "--a-", "token_a", "secret-", "a://b"])
def test_no_text_takes_long(piece: str) -> None:
    text = piece * (100_000 // len(piece)) + "="
    began = time.perf_counter()
    REDACTOR.text(text)
    assert time.perf_counter() - began < 1.0


def test_nothing_planted_is_in_any_byte_on_the_disk(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/aistack.db")
    log = AuditLog(database, tmp_path / "audit", HandClock(), known_secrets=["correct horse battery"])
    planted = ["correct horse battery"]
    for number in range(500):
        secret = SAMPLES[sorted(SAMPLES)[number % len(SAMPLES)]]()
        value = PLACES[number % len(PLACES)].format(secret)
        fields: Any = dict.fromkeys(("actor", "via", "kind", "object", "decision", "reason", "outcome"), value)
        detail = {"argv": ["x", value], "env": {"A": secret}, value: 1, "text": planted[0]}
        planted.append(secret)
        with database.tx() as connection:
            log.append(connection, phase=Phase.NOTE, detail=detail, **fields)
    log.seal()
    log.export(tmp_path / "out", actor="x")
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert [secret for secret in planted if secret.encode() in written] == []
    assert log.verify().ok
    assert log.page(1, text=planted[0]).total == 500  # equality is still searchable
    print(f"R2.7: {len(planted)} planted secrets, 0 in {len(written)} bytes written")
    log.close()
    database.close()


def test_the_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    key = host_key(tmp_path / "audit")
    path = tmp_path / "audit" / "redaction.key"
    assert host_key(tmp_path / "audit") == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", ["", "abcd", "zz" * 32])
def test_a_key_that_is_no_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "redaction.key").write_text(content)
    with pytest.raises(Unavailable, match=r"redaction key .*redaction\.key"):
        host_key(tmp_path)
