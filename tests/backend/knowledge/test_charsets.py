"""A page is read in the encoding that its mark, its server or it itself says; what is none or a lie is one sentence."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aistack_backend.errors import BadInput
from aistack_backend.knowledge import charsets
from aistack_backend.knowledge.reading import read

GERMAN, JAPANESE, CHINESE = "Größe: 5 €", "日本語の文書、ｶﾅ", "中文文档 㐀𠀀"
CASES = [
    ("windows-1252", "cp1252", GERMAN),
    ("ISO-8859-1", "cp1252", GERMAN),  # what is called Latin 1 is windows-1252 on the web
    ("iso-8859-15", "iso8859-15", GERMAN),
    ("shift_jis", "cp932", JAPANESE),
    ("Shift-JIS", "cp932", JAPANESE),
    ("euc-jp", "euc-jp", "日本語の文書"),
    ("iso-2022-jp", "iso2022-jp", "日本語の文書"),
    ("gb18030", "gb18030", CHINESE),
    ("GB2312", "gb18030", "中文文档"),
    ("big5", "big5hkscs", "中文文檔"),
    ("euc-kr", "cp949", "한국어 문서"),
    ("koi8-r", "koi8-r", "русский текст"),
    ("utf-8", "utf-8", CHINESE),
]
FORMS = (
    '<meta charset="{}">',
    "<META CHARSET={} />",
    "<!-- <meta charset=utf-7> --><meta name=x content='charset=big5'><meta charset='{}'>",
    '<meta http-equiv="Content-Type" content="text/html; charset={}">',
    "<meta content='text/html;charset = \"{}\" ' http-equiv=content-type>",
)


@pytest.mark.parametrize(("said", "codec", "words"), CASES)
def test_what_a_page_or_its_server_says_is_how_it_is_read(said: str, codec: str, words: str) -> None:
    for form in FORMS:
        page = f"<html><head>{form.format(said)}<title>{words}</title><p>{words}"
        found = read(page.encode(codec), "a.html")
        assert (found.title, words in found.text) == (" ".join(words.split()), True), form
    page = f"<meta charset=koi8-u><p>{words}"
    assert words in read(page.encode(codec), "a.html", charset=said).text, "the server's word comes first"
    xml = f"<?xml version='1.0' encoding='{said}'?><p>{words}"
    assert words in read(xml.encode(codec), "a.xhtml").text


def test_the_mark_comes_before_all() -> None:
    for mark, codec in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        data = mark + f"<meta charset=utf-7><p>{CHINESE}".encode(codec)
        assert read(data, "a.html", charset="koi8-r").text == CHINESE
    inside = f"<meta charset=utf-16><p>{CHINESE}".encode()
    assert read(inside, "a.html").text == CHINESE, "read as one byte each, it cannot be UTF-16"
    assert read(f"<p>{CHINESE}".encode("utf-16-le"), "a.html", charset="utf-16").text == CHINESE


@pytest.mark.parametrize(
    ("page", "said", "why"),
    [
        ("<meta charset=utf-7><p>+ADw-", "", "a.html says that its charset is 'utf-7', which is not read."),
        ("<p>+ADw-", "UTF-7", "a.html says that its charset is 'UTF-7', which is not read."),
        ("<meta charset=rot13>", "", "'rot13', which is not read"),
        ("<meta charset=zlib>", "", "'zlib', which is not read"),
        ("<meta charset=idna>", "", "'idna', which is not read"),
        ("<meta charset=unicode_escape>", "", "'unicode_escape', which is not read"),
        ("<meta charset=iso-2022-kr>", "", "'iso-2022-kr', which is not read"),
        ("<meta charset=utf-32>", "", "'utf-32', which is not read"),
        ("<meta charset=cp037>", "", "'cp037', which is not read"),
        (f"<meta charset={'x' * 900}>", "", f"'{'x' * 40}', which"),
        ("<meta charset='\x1b[31m\r\nx'>", "", r"'\\x1b\[31m\\r\\nx', which"),
        ("<p>x", "utf-8; DROP", "'utf-8; DROP', which"),
        ("<p>x", "../../etc/passwd", "'../../etc/passwd', which"),
    ],
)
def test_what_is_none_of_the_list_is_one_sentence(page: str, said: str, why: str) -> None:
    with pytest.raises(BadInput, match=why) as found:
        read(page.encode(), "a.html", charset=said)
    assert "\n" not in found.value.detail
    assert "\x1b" not in found.value.detail


@pytest.mark.parametrize(
    ("data", "said", "why"),
    [
        (GERMAN.encode("cp1252"), "", "a.html is not UTF-8: byte 2 of it fits no character"),
        (GERMAN.encode("cp1252"), "utf-8", "a.html is not UTF-8: byte 2 of it fits no character"),
        (b"<p>\x81\xff", "shift_jis", "a.html is not CP932: byte 3 of it"),
        (b"<p>\xff\xff", "gb18030", "a.html is not GB18030: byte 3 of it"),
        (b"<meta charset=euc-kr>\xff", "", "a.html is not CP949: byte 21 of it"),
        (codecs.BOM_UTF16_LE + b"a\0\x00\xd8", "utf-8", "a.html is not UTF-16-LE: byte 4"),
        (b"<meta charset=windows-1252>a\0b", "", "a.html is no text: character 28 of it is zero"),
        (b"PK\x03\x04<meta charset=big5>", "", "a ZIP archive or office file"),
    ],
)
def test_a_lie_is_one_sentence(data: bytes, said: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        read(data, "a.html", charset=said)


def test_what_is_no_declaration_is_none() -> None:
    for page in (
        "<!-- <meta charset=big5>",
        "<metacharset=big5>",
        "<meta name=charset content=big5>",
        "<p>charset=big5",
    ):
        assert charsets.of(page.encode(), "", "a.html") == "utf-8", page
    late = " " * charsets.LOOKED + "<meta charset=big5>"
    assert charsets.of(late.encode(), "", "a.html") == "utf-8"
    assert read(b"<meta charset=big5>", "a.md").text == "<meta charset=big5>", "only of a page"


def test_every_name_of_the_list_is_a_codec_of_text() -> None:
    for codec in charsets.CODECS.values():
        assert "a".encode(codec).decode(codec) == "a"
    assert not {"utf-7", "utf7", "replacement", "iso-2022-kr", "hz-gb-2312"} & charsets.CODECS.keys()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("charset=utf-8", "utf-8"),
        ('Charset="Shift_JIS"; x=y', "Shift_JIS"),
        ("charset='big5'", "big5"),
        ("boundary=x", ""),
        ("charset=", ""),
        ("", ""),
        ("charset=ü€", "ü?"),
    ],
)
def test_a_header(value: str, said: str) -> None:
    assert charsets.header(value) == said


@given(st.binary(max_size=2_000), st.text(max_size=30))
def test_no_page_does_more_than_one_sentence(data: bytes, said: str) -> None:
    for name in (said, ""):
        for page in (data, b"<meta charset=" + data, b"<meta " + data * 20):
            try:
                told = read(page, "a.html", charset=name).title
            except BadInput as error:
                told = error.detail
            assert "\n" not in told
