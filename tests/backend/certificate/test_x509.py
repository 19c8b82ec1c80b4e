"""Reading a certificate: the same as openssl reads, and one sentence for whatever is none."""

from __future__ import annotations

import ssl
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aistack_backend.containers.certificate.x509 import NoCertificate, of_der, of_pem
from aistack_backend.containers.stack.secrets import DAYS, certificate

MADE = certificate()
DER = ssl.PEM_cert_to_DER_cert(MADE.decode().partition("-----BEGIN PRIVATE")[0])


def openssl(folder: Path, *words: str) -> str:
    (folder / "c.pem").write_bytes(MADE)
    command = ["openssl", "x509", "-in", str(folder / "c.pem"), "-noout", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().partition("=")[2]


def test_it_says_what_openssl_says(tmp_path: Path) -> None:
    found = of_pem(MADE)
    assert found.serial == openssl(tmp_path, "-serial").lstrip("0")
    ends = datetime.strptime(openssl(tmp_path, "-enddate"), "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
    assert found.until == ends.timestamp()
    assert round(found.left(found.begins)) == DAYS
    assert found.own
    assert of_der(DER) == found


def test_one_that_somebody_else_signed_is_not_its_own(tmp_path: Path) -> None:
    key, cert, ask, leaf = (str(tmp_path / name) for name in ("ca.key", "ca.pem", "leaf.csr", "leaf.pem"))
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for words in (
        ["req", "-x509", *curve, "-subj", "/CN=authority", "-keyout", key, "-out", cert],
        ["req", *curve, "-subj", "/CN=leaf", "-keyout", str(tmp_path / "leaf.key"), "-out", ask],
        ["x509", "-req", "-in", ask, "-CA", cert, "-CAkey", key, "-days", "3", "-out", leaf],
    ):
        subprocess.run(["openssl", *words], check=True, capture_output=True)
    found = of_pem(Path(leaf).read_bytes())
    assert (found.own, round(found.left(found.begins))) == (False, 3)


@pytest.mark.parametrize(
    "text", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----", b"\xff" * 99]
)
def test_what_is_no_pem(text: bytes) -> None:
    with pytest.raises(NoCertificate):
        of_pem(text)


def test_every_cut_is_noticed() -> None:
    for length in range(len(DER)):
        with pytest.raises(NoCertificate):
            of_der(DER[:length])
    with pytest.raises(NoCertificate, match="too large"):
        of_der(b"0" * 100_000)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300) | st.tuples(st.integers(0, len(DER) - 1), st.integers(1, 255)))
def test_no_bytes_break_the_reader(case: bytes | tuple[int, int]) -> None:
    if isinstance(case, tuple):
        place, change = case
        case = DER[:place] + bytes([DER[place] ^ change]) + DER[place + 1 :]
    with suppress(NoCertificate):
        of_der(case)
