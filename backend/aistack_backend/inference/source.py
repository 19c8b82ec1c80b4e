"""Where a model is to be fetched from: a URL, or a hub name, in one strict form; what is not plain is refused."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

from aistack_backend import address
from aistack_backend.errors import BadInput
from aistack_backend.inference import splits
from aistack_backend.wire.providerconfig import is_here

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_NAME = re.compile(
    rf"(?:hf:)?(?P<repo>{_PART}/{_PART})(?:@(?P<revision>[\w.-]{{1,100}}))?(?P<mark>[:/])(?P<file>[^:]+)"
)
_FILE = re.compile(r"[\w][\w.+ -]{0,200}\.gguf", re.IGNORECASE)
_SHA256 = re.compile(r"[0-9a-f]{64}")
FORMS = "Give an https URL of a .gguf file, hf:OWNER/REPO/FILE.gguf, or OWNER/REPO:FILE.gguf."


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One model to fetch; the first part of a split one."""

    url: str
    file: str
    """Name on disk."""
    origin: str
    """``OWNER/REPO`` of a hub, else the host."""
    sha256: str = ""

    @property
    def key(self) -> str:
        """Name of the folder that it gets in our cache: the same URL gets the same one."""
        return f"{splits.place(self.file)[0][:-5][:60]}-{hashlib.sha256(self.url.encode()).hexdigest()[:8]}"

    def parts(self) -> tuple[Source, ...]:
        """Return one source for each file of a split model."""
        names, where = splits.names(self.file), self.url.rpartition("/")[0]
        if len(names) == 1:
            return (self,)
        return tuple(replace(self, url=f"{where}/{quote(name)}", file=name) for name in names)


def read(text: str, hub: str, sha256: str = "") -> Source:
    """Take a URL or a hub name apart.

    Raises:
        BadInput: it is neither, or not a GGUF file, or the sha256 is none; one sentence says what would be right.
    """
    digest = sha256.strip().lower()
    if digest and not _SHA256.fullmatch(digest):
        raise BadInput("A sha256 is 64 hexadecimal digits.", "Leave it out when you do not have it.")
    found = _of_url(text.strip(), hub) if "://" in text else _of_name(text.strip(), hub)
    if digest and len(found.parts()) > 1:
        raise BadInput("A split model has a sha256 for each part, so none can be given.", "Leave it out.")
    return replace(found, sha256=digest)


def _of_name(text: str, hub: str) -> Source:
    named = _NAME.fullmatch(text)
    if named is None or (named["mark"] == "/" and not text.startswith("hf:")):
        raise BadInput(f"{text[:200]!r} names no model file.", FORMS)
    path = named["file"].split("/")
    if any(part in ("", ".", "..") for part in path):
        raise BadInput(f"{named['file'][:200]!r} is no path of a file in a hub.", FORMS)
    where = f"{hub.rstrip('/')}/{named['repo']}/resolve/{named['revision'] or 'main'}"
    return _source(f"{where}/{'/'.join(map(quote, path))}", path[-1], named["repo"])


def _of_url(text: str, hub: str) -> Source:
    base = hub.rstrip("/") + "/"
    if text.startswith(base) and "/blob/" in text:  # the hub's page about the file, not the file
        text = text.replace("/blob/", "/resolve/", 1)
    place = check(text)
    parts = urlsplit(place.url)
    plain = place.url.partition("?")[0]  # a hub's ?download=true only names the file for a browser
    names = unquote(parts.path).split("/")
    repo = "/".join(names[1:3]) if text.startswith(base) and "resolve" in names[3:4] else place.host
    return _source(plain if parts.query == "download=true" else place.url, names[-1], repo)


def _source(url: str, file: str, origin: str) -> Source:
    if not _FILE.fullmatch(file):
        raise BadInput(f"{file[:200]!r} is no name of a GGUF file.", FORMS)
    check(url)
    if "?" in url and splits.place(file)[2] > 1:
        raise BadInput("A split model cannot be fetched by a URL with a query: each part has another one.", FORMS)
    return Source(url=url, file=file, origin=origin)


def check(url: str) -> address.Place:
    """Take one URL apart, that of a redirect too.

    Raises:
        BadInput: it is no plain URL, not https (http only to this machine itself), or names a private address.
    """
    place = address.read(url)
    here = is_here(place.host)
    if place.scheme != "https" and not here:
        raise BadInput(f"{place.host} is asked over http, which anybody on the way could change.", "Use https.")
    if address.literal(place.host) and not here and (why := address.forbidden(place.host)):
        raise BadInput(why, "Models are fetched from the public network, or from this machine.")
    return place
