"""Which encoding a page is in, in the order of the HTML standard: its mark, what was said with it, what it says itself.

Only encodings of the WHATWG's list are taken, by the names that it gives them; what is none of them is an error and is
not passed over, so that no page is read as something that it did not say.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

from aistack_backend.errors import BadInput

LOOKED = 1024
"""Bytes in which a page says it, as the standard has it."""
_SHOWN = 40
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_SPACE = b"\t\n\x0c\r "
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_META = re.compile(rb"<meta[\t\n\x0c\r /]([^>]*)", re.IGNORECASE)
_PAIR = re.compile(rb"([^\t\n\x0c\r /=>]+)[\t\n\x0c\r ]*=[\t\n\x0c\r ]*(?:\"([^\"]*)\"|'([^']*)'|([^\t\n\x0c\r >]*))")
_XML = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"'>]*)[\"']")
_CHARSET = re.compile(
    rb"charset[\t\n\x0c\r ]*=[\t\n\x0c\r ]*(?:\"([^\"]*)\"|'([^']*)'|([^\t\n\x0c\r ;]*))", re.IGNORECASE
)
_NAMES = {
    "utf-8": "utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
    "utf-16-le": "utf-16le utf-16 csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff",
    "utf-16-be": "utf-16be unicodefffe",
    "cp866": "866 cp866 csibm866 ibm866",
    "iso8859-2": "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2",
    "iso8859-3": "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3",
    "iso8859-4": "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4",
    "iso8859-5": "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988",
    "iso8859-6": "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e "
    "iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987",
    "iso8859-7": "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 iso_8859-7 "
    "iso_8859-7:1987 sun_eu_greek",
    "iso8859-8": "csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 iso8859-8 iso88598 iso_8859-8 "
    "iso_8859-8:1988 visual csiso88598i iso-8859-8-i logical",
    "iso8859-10": "csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6",
    "iso8859-13": "iso-8859-13 iso8859-13 iso885913",
    "iso8859-14": "iso-8859-14 iso8859-14 iso885914",
    "iso8859-15": "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9",
    "iso8859-16": "iso-8859-16",
    "koi8-r": "cskoi8r koi koi8 koi8-r koi8_r",
    "koi8-u": "koi8-ru koi8-u",
    "mac-roman": "csmacintosh mac macintosh x-mac-roman",
    "cp874": "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874",
    "cp1250": "cp1250 windows-1250 x-cp1250",
    "cp1251": "cp1251 windows-1251 x-cp1251",
    "cp1252": "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 "
    "iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252",
    "cp1253": "cp1253 windows-1253 x-cp1253",
    "cp1254": "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5 "
    "windows-1254 x-cp1254",
    "cp1255": "cp1255 windows-1255 x-cp1255",
    "cp1256": "cp1256 windows-1256 x-cp1256",
    "cp1257": "cp1257 windows-1257 x-cp1257",
    "cp1258": "cp1258 windows-1258 x-cp1258",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "gb18030": "chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk gb18030",
    "big5hkscs": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc-jp": "cseucpkdfmtjapanese euc-jp x-euc-jp",
    "iso2022-jp": "csiso2022jp iso-2022-jp",
    "cp932": "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis",
    "cp949": "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 "
    "windows-949",
}
CODECS = {name: codec for codec, names in _NAMES.items() for name in names.split()}
"""Label → Python's name."""


def of(data: bytes, said: str, name: str) -> str:
    """Return Python's name of the encoding of a page; ``said`` = what was said with it; UTF-8 when nothing is.

    Raises:
        BadInput: it says one that is none of the list.
    """
    if marked := _marked(data):
        return marked
    if said:
        return _codec(said, name)
    inside = _inside(data[:LOOKED])
    codec = _codec(inside, name) if inside else "utf-8"
    return "utf-8" if codec.startswith("utf-16") else codec  # it could not say so in UTF-16


def text(data: bytes, said: str, name: str) -> str:
    """Return the characters of a page.

    Raises:
        BadInput: see ``of``; or its bytes are not of that encoding.
    """
    codec = of(data, said, name)
    skipped = next((len(mark) for mark, _ in _MARKS if data.startswith(mark)), 0)
    try:
        return data[skipped:].decode(codec)
    except UnicodeDecodeError as error:
        at = f"byte {error.start + skipped} of it fits no character"
        raise BadInput(f"{name} is not {codec.upper()}: {at}.", "Save it as UTF-8.") from error


def header(value: str) -> str:
    """Return the charset that a ``Content-Type`` says; "" = none."""
    if not (found := _CHARSET.search(value.encode("latin-1", "replace"))):
        return ""
    return _value(found.groups()).decode("latin-1").strip()


def _marked(data: bytes) -> str:
    return next((codec for mark, codec in _MARKS if data.startswith(mark)), "")


def _inside(data: bytes) -> str:
    """Return what a page says of itself; "" = nothing."""
    plain = _COMMENT.sub(b"", data).partition(b"<!--")[0]
    for meta in _META.finditer(plain):
        pairs: dict[bytes, bytes] = {}
        for key, *values in _PAIR.findall(meta[1]):
            pairs.setdefault(key.lower(), _value(values))
        if b"charset" in pairs:
            return pairs[b"charset"].strip(_SPACE).decode("latin-1")
        if pairs.get(b"http-equiv", b"").lower() == b"content-type" and (
            said := header(pairs.get(b"content", b"").decode("latin-1"))
        ):
            return said
    if found := _XML.match(plain):
        return found[1].strip(_SPACE).decode("latin-1")
    return ""


def _value(groups: Sequence[bytes | None]) -> bytes:
    return next((one for one in groups if one), b"")


def _codec(said: str, name: str) -> str:
    if codec := CODECS.get(said.strip().lower()):
        return codec
    shown = ascii(said[:_SHOWN])
    raise BadInput(f"{name} says that its charset is {shown}, which is not read.", "Save it as UTF-8.")
