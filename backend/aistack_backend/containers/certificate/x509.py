"""What an X.509 certificate says: serial, how long it holds, whether it signed itself. Nothing of it is trusted."""

from __future__ import annotations

import re
import ssl
import warnings
from dataclasses import dataclass

from cryptography import x509

PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
LARGEST = 64 * 1024


class NoCertificate(ValueError):
    """The bytes are no certificate that we can read; one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One certificate, in part."""

    serial: str
    """Upper-case hexadecimal digits."""
    begins: float
    until: float
    """Epoch seconds."""
    own: bool
    """It names itself as its issuer."""

    def left(self, now: float) -> float:
        """Return the days that it still holds; negative when it has ended."""
        return (self.until - now) / 86_400


def of_pem(text: bytes) -> Certificate:
    """Return the first certificate of a PEM text, which may hold a key too.

    Raises:
        NoCertificate: there is none, or it is damaged.
    """
    found = PEM.search(text)
    if found is None:
        raise NoCertificate("There is no certificate in it.")
    try:
        return of_der(ssl.PEM_cert_to_DER_cert(found[0].decode("ascii")))
    except NoCertificate:
        raise
    except ValueError as error:
        raise NoCertificate("The certificate is no proper PEM.") from error


def of_der(data: bytes) -> Certificate:
    """Return what a certificate in DER says.

    Raises:
        NoCertificate: it is damaged, or too large.
    """
    if len(data) > LARGEST:
        raise NoCertificate(f"The certificate has {len(data)} bytes: too large.")
    try:
        with warnings.catch_warnings(action="ignore"):  # of odd names and serials; nothing of them is trusted
            found = x509.load_der_x509_certificate(data)
            return Certificate(
                serial=f"{found.serial_number:X}",
                begins=found.not_valid_before_utc.timestamp(),
                until=found.not_valid_after_utc.timestamp(),
                own=found.issuer == found.subject,
            )
    except (ValueError, TypeError, x509.InvalidVersion) as error:
        raise NoCertificate("The certificate is damaged.") from error
