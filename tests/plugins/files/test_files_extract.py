"""The text of files: small ones made here, one family after the other."""

from __future__ import annotations

import io
import zipfile

import pytest

from webchatagent.core.api import DocumentProblem
from webchatagent.plugins.files.extract import extract

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def text(name: str, data: bytes, media_type: str = "") -> str:
    return str(extract(name, media_type, data)["markdown"])


def state(name: str, data: bytes, media_type: str = "") -> DocumentProblem:
    with pytest.raises(DocumentProblem) as caught:
        extract(name, media_type, data)
    return caught.value


def zipped(**members: str | bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return out.getvalue()


def docx(body: str, **members: str) -> bytes:
    return zipped(
        word__document_xml=f'<?xml version="1.0"?><w:document {W}><w:body>{body}</w:body></w:document>', **members
    )


def p(content: str, properties: str = "") -> str:
    return f"<w:p>{properties and f'<w:pPr>{properties}</w:pPr>'}<w:r><w:t>{content}</w:t></w:r></w:p>"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "utf-32"])
def test_text_in_every_encoding(encoding: str) -> None:
    assert text("a.txt", "Grüße aus Köln, schöne Tage".encode(encoding)) == "Grüße aus Köln, schöne Tage"


def test_hindi_text_and_marks_survive() -> None:
    assert text("नीति.txt", "गोपनीयता नीति।".encode()) == "गोपनीयता नीति।"


def test_japanese_text_in_shift_jis() -> None:
    words = "これは日本語の文章です。営業時間は九時から五時までです。お問い合わせはこちらまで。" * 5
    assert text("a.txt", words.encode("cp932")) == words


def test_markdown_title_and_front_matter() -> None:
    got = extract("a.md", "", b"---\nlayout: x\n---\n# Prices #\n\nTen.")
    assert got == {"markdown": "# Prices #\n\nTen.", "title": "Prices", "language": ""}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", "Name,Größe\nMüller,10\n".encode()),
        ("a.csv", "Name;Größe\nMüller;10\n".encode("cp1252")),
        ("a.tsv", "\ufeffName\tGröße\nMüller\t10\n".encode()),
        ("a.csv", "Name|Größe\r\nMüller|10\r\n".encode()),
        ("a.csv", 'sep=;\nName;"Größe"\nMüller;"10"\n'.encode()),
        ("a", "Name,Größe\nMüller,10".encode()),
    ],
)
def test_csv_becomes_a_table(name: str, data: bytes) -> None:
    assert text(name, data, "text/csv") == "| Name | Größe |\n| --- | --- |\n| Müller | 10 |"


def test_csv_with_ragged_rows_and_quotes() -> None:
    assert (
        text("a.csv", b'a,b\n"x, ""y""",1,2\n\n3\n')
        == '| a | b |  |\n| --- | --- | --- |\n| x, "y" | 1 | 2 |\n| 3 |  |  |'
    )


def test_wide_table_names_its_columns_in_each_row() -> None:
    head = [f"a rather long column name {i}" for i in range(15)]
    got = text("a.csv", (",".join(head) + "\n" + ",".join("v" * 15) + "\n" + ",".join("w" * 15)).encode())
    assert got.startswith("a rather long column name 0: v\n") and "a rather long column name 14: w" in got


HTML = """<html lang="de-AT"><head><title>Preise</title><script>var x="code"</script></head><body>
<nav><a href="/">Startseite</a> <a href="/x">Über uns</a></nav><main><h1>Unsere Preise</h1><p>{}</p><h2>Nachlass</h2>
<p>{}</p><table><tr><th>Plan</th><th>Preis</th></tr><tr><td>Klein</td><td>9 Euro</td></tr></table></main>
<footer>Impressum Cookies</footer></body></html>"""


def test_page_keeps_main_text_headings_and_tables_without_navigation() -> None:
    body = HTML.format(
        "Der kleine Plan kostet neun Euro im Monat und enthält alles Nötige. " * 4,
        "Wer jährlich zahlt, erhält zwei Monate geschenkt. " * 4,
    )
    got = extract("x.html", "text/html", body.encode())
    assert (got["title"], got["language"]) == ("Preise", "de")
    assert "## Nachlass" in got["markdown"] and "| Klein | 9 Euro |" in got["markdown"]
    assert "Impressum" not in got["markdown"] and "code" not in got["markdown"]


def test_short_page_is_read_whole() -> None:
    assert (
        text("x.html", b"<html><body><nav>menu</nav><p>Open at nine.</p><ul><li>Tea<li>Cake</ul></body></html>")
        == "Open at nine.\n\n- Tea\n- Cake"
    )


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        ('<html><head><meta charset="iso-8859-1"></head><body><p>Straße</p></body></html>'.encode("latin-1"), ""),
        ("<html><body><p>Straße</p></body></html>".encode("cp1252"), "text/html; charset=windows-1252"),
        ("<html><body><p>Straße</p></body></html>".encode("utf-16"), ""),
        ("<html><body><p>Straße</p></body></html>".encode(), ""),
        ('<html><head><meta charset="wrong-9"></head><body><p>Straße</p></body></html>'.encode(), ""),
    ],
)
def test_page_charset(data: bytes, media_type: str) -> None:
    assert text("page", data, media_type or "text/html") == "Straße"


def test_page_without_text_says_javascript() -> None:
    assert "JavaScript" in state("x.html", b"<html><body><div id=root></div><script>x()</script></body></html>").message


def test_word_headings_lists_tables_boxes_and_controls() -> None:
    styles = (
        f'<w:styles {W}><w:style w:styleId="berschrift2"><w:name w:val="heading 2"/></w:style>'
        '<w:style w:styleId="Mein"><w:name w:val="Mein"/><w:basedOn w:val="berschrift2"/></w:style></w:styles>'
    )
    numbering = (
        f'<w:numbering {W}><w:abstractNum w:abstractNumId="5"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl>'
        '</w:abstractNum><w:num w:numId="3"><w:abstractNumId w:val="5"/></w:num></w:numbering>'
    )
    rels = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="a" Type="http://x/styles" Target="styles.xml"/>'
        '<Relationship Id="b" Type="http://x/numbering" Target="numbering.xml"/></Relationships>'
    )
    item = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="3"/></w:numPr>'
    cell = "<w:tc>{}</w:tc>"
    body = (
        p("Preise", '<w:pStyle w:val="Mein"/>')
        + p("eins", item)
        + p("zwei", item)
        + f"<w:sdt><w:sdtContent>{p('control')}</w:sdtContent></w:sdt>"
        + f"<w:p><w:r><w:pict><w:txbxContent>{p('boxed')}</w:txbxContent></w:pict></w:r>"
        + "<w:del><w:r><w:delText>no</w:delText></w:r></w:del></w:p>"
        + "<w:tbl>"
        + "".join(f"<w:tr>{cell.format(p(a))}{cell.format(p(b))}</w:tr>" for a, b in (("A", "B"), ("1", "2")))
        + "</w:tbl>"
    )
    got = text(
        "a.docx",
        docx(body, word__styles_xml=styles, word__numbering_xml=numbering, **{"word___rels__document.xml.rels": rels}),
    )
    assert got == "## Preise\n\n1. eins\n2. zwei\n\ncontrol\n\nboxed\n\n| A | B |\n| --- | --- |\n| 1 | 2 |"


def test_slides_are_pages_with_titles_and_notes() -> None:
    from pptx import Presentation

    deck = Presentation()
    for n in (1, 2):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = f"Slide {n}"
        slide.placeholders[1].text = "one\ntwo"
        slide.notes_slide.notes_text_frame.text = f"say {n}"
    out = io.BytesIO()
    deck.save(out)
    assert text("a.pptx", out.getvalue()) == "\f".join(f"# Slide {n}\n\n- one\n- two\n\nNotes: say {n}" for n in (1, 2))


def test_open_document_text() -> None:
    content = (
        '<o:document-content xmlns:o="urn:o" xmlns:t="urn:t" xmlns:b="urn:b">'
        '<o:body><o:text><t:h t:outline-level="2">Head</t:h>'
        "<t:p>a<t:s t:c='2'/>b<t:line-break/>c</t:p>"
        "<t:list><t:list-item><t:p>one</t:p><t:list><t:list-item><t:p>sub</t:p>"
        "</t:list-item></t:list></t:list-item></t:list><b:table><b:table-row><b:table-cell><t:p>A</t:p></b:table-cell>"
        "<b:table-cell><t:p>B</t:p></b:table-cell></b:table-row></b:table></o:text></o:body></o:document-content>"
    )
    got = text("a.odt", zipped(mimetype="application/vnd.oasis.opendocument.text", content_xml=content))
    assert got == "## Head\n\na  b\nc\n\n- one\n  - sub\n\n| A | B |\n| --- | --- |"


def test_workbook_sheets_are_tables_under_their_names() -> None:
    openpyxl = pytest.importorskip("xlsxwriter")
    out = io.BytesIO()
    with openpyxl.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Preise")
        sheet.write_row(2, 1, ["Plan", "Preis"])
        sheet.write_row(3, 1, ["Klein", 9])
        sheet.write_row(4, 1, ["Groß", 19.5])
        book.add_worksheet("leer")
    assert (
        text("a.xlsx", out.getvalue()) == "# Preise\n\n| Plan | Preis |\n| --- | --- |\n| Klein | 9 |\n| Groß | 19.5 |"
    )


def test_mail_takes_the_plain_part_and_the_subject() -> None:
    mail = (
        "From: A <a@x.test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello.\r\n"
        "--b\r\nContent-Type: text/html\r\n\r\n<p>Hello twice.</p>\r\n--b--\r\n"
    )
    got = extract("a.eml", "", mail.encode())
    assert got["title"] == "Grüße"
    assert got["markdown"] == "# Grüße\n\nFrom: A <a@x.test>\n\nHello."


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (
            "a.vtt",
            b"WEBVTT\n\nNOTE no\n\n1\n00:01.000 --> 00:02.000 align:start\n"
            b"<v Ann>Hi <i>there</i>\n\n00:03.000 --> 00:04.000\nBye",
        ),
        (
            "a.srt",
            b"1\r\n00:00:01,000 --> 00:00:02,000\r\nHi there\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\nBye\r\n",
        ),
    ],
)
def test_subtitles_without_times(name: str, data: bytes) -> None:
    assert text(name, data) == "Hi there\nBye"


def test_rtf() -> None:
    assert text("a.rtf", rb"{\rtf1\ansi\ansicpg1252 Stra\'dfe\par Zwei}").split() == ["Straße", "Zwei"]


def test_json_and_xml() -> None:
    assert text("a.json", b'{"a": "b"}') == '{"a": "b"}'
    assert text("a.xml", b"<?xml version='1.0'?><a><b>one</b><c>two</c></a>") == "one\ntwo"


def test_epub_in_reading_order() -> None:
    package = (
        "<package xmlns='urn:x'><metadata><title>Book</title><language>en</language></metadata><manifest>"
        "<item id='1' href='one.xhtml'/><item id='2' href='two%20b.xhtml'/></manifest>"
        "<spine><itemref idref='2'/><itemref idref='1'/></spine></package>"
    )
    got = extract(
        "a.epub",
        "",
        zipped(
            **{
                "mimetype": "application/epub+zip",
                "META-INF__container_xml": "<c><rootfile full-path='x/p.opf'/></c>",
                "x__p.opf": package,
                "x__one.xhtml": "<html><body><h1>One</h1><p>first</p></body></html>",
                "x__two b.xhtml": "<html><body>two</body></html>",
            }
        ),
    )
    assert got == {"markdown": "two\n\n# One\n\nfirst", "title": "Book", "language": "en"}


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.doc", "d0cf11e0a1b11ae1" + "WordDocument".encode("utf-16-le").hex(), "docx"),
        ("a.ppt", "d0cf11e0a1b11ae1" + "PowerPoint Document".encode("utf-16-le").hex(), "pptx"),
        ("a.msg", "d0cf11e0a1b11ae1" + "__properties_version1.0".encode("utf-16-le").hex(), "eml"),
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0".hex(), "OCR"),
        ("a.txt", b"\xff\xd8\xff\xe0\0".hex(), "Images"),
        ("a.exe", b"MZ\x90\0\3\0\0\0".hex(), "Programs"),
        ("a.gz", b"\x1f\x8b\x08\0".hex(), "Archives"),
        ("a.mp3", b"ID3\3\0".hex(), "Audio"),
        ("a.bin", bytes(range(32)).hex() * 9, "not read"),
    ],
)
def test_what_is_not_read_says_what_to_do(name: str, data: str, words: str) -> None:
    problem = state(name, bytes.fromhex(data))
    assert problem.state == "unsupported" and words in str(problem)


def test_content_counts_more_than_the_name() -> None:
    assert text("a.pdf", b"<html><body><p>Really a page</p></body></html>") == "Really a page"
    assert "archive" in str(state("a.docx", zipped(**{"x.txt": "hi"}))).lower()


@pytest.mark.parametrize(
    ("name", "data"), [("a.pdf", b"%PDF-1.7\nbroken"), ("a.docx", b"PK\x03\x04broken"), ("a.xlsx", b"PK\x05\x06")]
)
def test_damaged_file_is_broken(name: str, data: bytes) -> None:
    assert state(name, data).state == "broken"


@pytest.mark.parametrize("data", [b" \n", b"\xef\xbb\xbf", b"---", b"| | |"])
def test_file_without_words_has_no_text(data: bytes) -> None:
    assert state("a.md", data).state == "no_text"


def test_encrypted_office_file() -> None:
    assert (
        state("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")).state
        == "encrypted"
    )


def test_outside_entity_is_not_read() -> None:
    data = zipped(
        word__document_xml=f'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
        f"<w:document {W}><w:body>{p('a&x;b')}"
        "</w:body></w:document>"
    )
    assert text("a.docx", data) == "ab"
