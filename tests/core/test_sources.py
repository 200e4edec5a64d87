"""Sources through the whole pipeline: adding, adding again, and files of every bad kind."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from sqlalchemy import select

from webchatagent.core import sandbox
from webchatagent.core.db.sources import Document, Source
from webchatagent.core.documents import Failed, FoundDocument
from webchatagent.core.errors import InvalidRequest, NotFound, Unavailable
from webchatagent.core.retrieval import search
from webchatagent.core.sources import (
    add_source,
    delete_source,
    ensure_source,
    list_sources,
    retry_documents,
    take_findings,
    upload_file,
)


@pytest.fixture(scope="module", autouse=True)
def children_end():
    yield
    sandbox.close()


def documents(bot):
    with bot.tenant.read() as db:
        return {d.external_id: d for d in db.scalars(select(Document).where(Document.bot_id == bot.id))}


def blobs(bot):
    folder = bot.tenant.platform.settings.folder / "blobs" / str(bot.tenant.id)
    return {p.name for p in folder.iterdir()} if folder.exists() else set()


def found(bot, question):
    return [r.chunk.text for r in search(bot.tenant, bot.id, question, limit=3)]


def test_adding_a_folder_again_takes_new_changed_and_gone_files(bot, foreign_bot, tmp_path, run_jobs):
    folder = tmp_path / "reports"
    (folder / "deep").mkdir(parents=True)
    (folder / "same.txt").write_text("The walrus sleeps.")
    (folder / "changes.txt").write_text("The ostrich runs.")
    (folder / "deep" / "goes.txt").write_text("The quagga is gone.")
    first = add_source(bot.tenant, bot.id, str(folder))
    other = add_source(foreign_bot.tenant, foreign_bot.id, str(folder))
    run_jobs()
    assert len(first.documents) == 3 and set(documents(bot)) == {"same.txt", "changes.txt", "deep/goes.txt"}
    before = documents(bot)
    (folder / "changes.txt").write_text("The ostrich sits.")
    (folder / "deep" / "goes.txt").unlink()
    (folder / "new.txt").write_text("The okapi is new.")
    again = add_source(bot.tenant, bot.id, str(folder))
    run_jobs()
    after = documents(bot)
    assert again.source_id == first.source_id and (again.unchanged, again.gone, len(again.documents)) == (1, 1, 2)
    assert set(after) == {"same.txt", "changes.txt", "new.txt"}
    assert after["same.txt"].version == before["same.txt"].version and after["changes.txt"].version == 2
    assert any("sits" in t for t in found(bot, "ostrich")) and not any("runs" in t for t in found(bot, "ostrich"))
    assert not any("quagga" in t for t in found(bot, "quagga"))
    assert blobs(bot) == {d.blob.partition("/")[2] for d in after.values()}
    assert len(documents(foreign_bot)) == 3 and other.source_id != first.source_id
    assert any("quagga" in t for t in found(foreign_bot, "quagga"))


def test_a_broken_line_is_named_and_the_others_are_searchable(bot, tmp_path, run_jobs):
    path = tmp_path / "faq.jsonl"
    lines = [
        json.dumps({"id": "one", "text": "The walrus sleeps."}),
        "{broken",
        json.dumps({"id": "two"}),
        "",
        json.dumps({"id": "three", "text": "Der Strauß läuft.", "lang": "de"}),
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    add_source(bot.tenant, bot.id, str(path))
    run_jobs()
    states = {name: d.state for name, d in documents(bot).items()}
    assert states == {"one": "searchable", "three": "searchable", "line 2": "broken", "line 3": "broken"}
    assert "Line 2" in documents(bot)["line 2"].error and documents(bot)["three"].language == "de"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.txt", "रिपोर्ट.txt", "a\x00b.txt", "x" * 300 + ".txt", "C:\\boot.txt", "\ud800.txt"]
)
def test_an_uploads_name_is_a_name_and_no_path(bot, run_jobs, name, tmp_path):
    added = upload_file(bot.tenant, bot.id, name, b"The walrus sleeps.")
    run_jobs()
    (document,) = documents(bot).values()
    assert document.id == added.documents[0] and document.state == "searchable"
    assert found(bot, "walrus") == ["The walrus sleeps."]
    assert len(blobs(bot)) == 1 and next(iter(blobs(bot))).isalnum()


def test_the_same_upload_again_is_the_same_document(bot, run_jobs):
    upload_file(bot.tenant, bot.id, "a.txt", b"The walrus sleeps.")
    run_jobs()
    assert upload_file(bot.tenant, bot.id, "a.txt", b"The walrus sleeps.").unchanged == 1
    upload_file(bot.tenant, bot.id, "a.txt", b"The ostrich runs.")
    upload_file(bot.tenant, bot.id, "b.txt", b"The okapi.")
    run_jobs()
    assert {n: d.version for n, d in documents(bot).items()} == {"a.txt": 2, "b.txt": 1} and len(blobs(bot)) == 2


def bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("word/document.xml", b"<w:document>" + b"A" * 250_000_000)
    return out.getvalue()


def encrypted_pdf():
    from pypdf import PdfWriter

    out, writer = io.BytesIO(), PdfWriter()
    writer.add_blank_page(100, 100)
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(out)
    return out.getvalue()


BAD = {
    "bomb.docx": (bomb, {"too_large", "broken"}),
    "locked.pdf": (encrypted_pdf, {"encrypted"}),
    "virus.exe": (lambda: b"MZ\x90\x00" + bytes(range(256)) * 20, {"unsupported"}),
    "empty.txt": (lambda: b"", {"no_text"}),
    "blank.txt": (lambda: b" \n\t ", {"no_text"}),
    "torn.pdf": (lambda: b"%PDF-1.7\nnothing", {"broken", "no_text"}),
    "torn.docx": (lambda: b"PK\x03\x04 nothing", {"broken", "unsupported"}),
}


def test_every_bad_file_ends_in_its_state_and_the_good_one_is_searchable(bot, run_jobs):
    for name, (make, _) in BAD.items():
        upload_file(bot.tenant, bot.id, name, make())
    upload_file(bot.tenant, bot.id, "good.txt", b"The walrus sleeps.")
    run_jobs()
    for name, document in documents(bot).items():
        expected = BAD[name][1] if name in BAD else {"searchable"}
        assert document.state in expected, (name, document.state, document.error)
        assert bool(document.error) == (name in BAD) and document.chunks == (0 if name in BAD else 1)
    assert found(bot, "walrus") == ["The walrus sleeps."]
    assert bot.tenant.platform.chunks.stats(bot.tenant.id).documents == 1


def test_a_file_that_was_readable_and_is_not_any_more_is_not_found_any_more(bot, run_jobs):
    upload_file(bot.tenant, bot.id, "a.txt", b"The walrus sleeps.")
    run_jobs()
    upload_file(bot.tenant, bot.id, "a.txt", b"")
    run_jobs()
    assert documents(bot)["a.txt"].state == "no_text" and found(bot, "walrus") == []


def test_half_a_surrogate_pair_and_nul_do_no_harm(bot, tmp_path, run_jobs):
    path = tmp_path / "faq.jsonl"
    path.write_text('{"id": "a\\u0000", "title": "T\\ud83d", "text": "The walrus \\ud800 sleeps\\u0000."}')
    add_source(bot.tenant, bot.id, str(path))
    run_jobs()
    (document,) = documents(bot).values()
    assert (document.external_id, document.state) == ("a", "searchable") and "\x00" not in found(bot, "walrus")[0]


def test_text_that_a_reader_brings_out_broken_is_still_searchable(bot, run_jobs, monkeypatch):
    from webchatagent.core import ingest
    from webchatagent.core.documents import ExtractedText

    monkeypatch.setattr(
        ingest, "_extract", lambda tenant, row: ExtractedText("The walrus \ud800 sleeps \x00.", "T\udfff")
    )
    upload_file(bot.tenant, bot.id, "a.pdf", b"%PDF")
    run_jobs()
    assert documents(bot)["a.pdf"].state == "searchable" and found(bot, "walrus")


def test_what_is_too_large_is_refused_before_it_is_stored(bot, monkeypatch):
    monkeypatch.setattr("webchatagent.core.sources.MAX_BYTES", 10)
    with pytest.raises(InvalidRequest) as caught:
        upload_file(bot.tenant, bot.id, "a.txt", b"x" * 11)
    assert caught.value.code == "file_too_large" and blobs(bot) == set() and documents(bot) == {}


def test_a_full_disk_is_said_and_leaves_nothing(bot, monkeypatch):
    import errno
    import os

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("webchatagent.stores.blobs.os.fsync", full)
    with pytest.raises(Unavailable, match="free some disk space"):
        upload_file(bot.tenant, bot.id, "a.txt", b"The walrus sleeps.")
    assert blobs(bot) == set() and documents(bot) == {}


def test_a_disk_that_fills_up_midway_leaves_nothing_of_the_batch(bot, monkeypatch, tmp_path):
    store, puts = bot.tenant.platform.blobs, []
    put = store.put

    def fills_up(tenant_id, data):
        puts.append(data)
        if len(puts) == 3:
            raise Unavailable("The file could not be stored.", "free some disk space and upload it again")
        return put(tenant_id, data)

    monkeypatch.setattr(store, "put", fills_up)
    for n in range(5):
        (tmp_path / f"{n}.txt").write_text(f"walrus {n}")
    with pytest.raises(Unavailable):
        add_source(bot.tenant, bot.id, str(tmp_path))
    assert len(puts) == 3 and blobs(bot) == set() and documents(bot) == {}


def test_bytes_of_a_transaction_that_fails_are_swept(bot, monkeypatch):
    from webchatagent.core import retention, sources

    def fail(*_, **__):
        raise RuntimeError

    monkeypatch.setattr(sources, "_apply", fail)
    with pytest.raises(RuntimeError):
        upload_file(bot.tenant, bot.id, "a.txt", b"The walrus sleeps.")
    monkeypatch.setattr(retention, "BLOB_SECONDS", -1)
    retention.sweep_blobs(bot.tenant)
    assert blobs(bot) == set()


def test_a_source_of_another_tenant_does_not_exist(bot, foreign_bot, add_texts):
    source = add_texts(foreign_bot, {"a": "walrus"})
    with pytest.raises(NotFound):
        delete_source(bot.tenant, source)
    assert list_sources(bot.tenant, foreign_bot.id) == []
    assert len(list_sources(foreign_bot.tenant, foreign_bot.id)) == 1


def test_a_deleted_source_is_gone_with_everything(bot, foreign_bot, run_jobs):
    upload_file(foreign_bot.tenant, foreign_bot.id, "a.txt", b"The walrus sleeps.")
    added = upload_file(bot.tenant, bot.id, "a.txt", b"The walrus sleeps.")
    run_jobs()
    delete_source(bot.tenant, added.source_id)
    run_jobs()
    assert documents(bot) == {} and blobs(bot) == set() and found(bot, "walrus") == []
    assert found(foreign_bot, "walrus") and len(blobs(foreign_bot)) == 1


def test_deleting_while_indexing_leaves_no_chunk(bot, monkeypatch, run_jobs):
    added = upload_file(bot.tenant, bot.id, "a.jsonl", b'{"id": "a", "text": "The walrus sleeps."}')
    store = bot.tenant.platform.chunks
    replace = store.replace_document

    def slow(*args):
        delete_source(bot.tenant, added.source_id)
        return replace(*args)

    monkeypatch.setattr(store, "replace_document", slow)
    run_jobs()
    assert store.stats(bot.tenant.id).chunks == 0 and documents(bot) == {}


def test_findings_come_in_any_number(bot, run_jobs):
    source = ensure_source(bot.tenant, bot.id, "file", "many")
    added = take_findings(bot.tenant, source, (FoundDocument(f"d{n}", text=f"walrus {n}") for n in range(60)))
    assert len(added.documents) == 60
    run_jobs()
    assert {d.state for d in documents(bot).values()} == {"searchable"}
    with bot.tenant.read() as db:
        assert db.get(Source, source).state == "ready"


def test_a_page_that_is_gone_keeps_nothing_and_can_come_back(bot, run_jobs):
    source = ensure_source(bot.tenant, bot.id, "website", "https://www.example.org/")
    page = FoundDocument("page", title="Page", url="https://www.example.org/", data=b"A quagga.", memory={"etag": "1"})
    take_findings(bot.tenant, source, [page])
    run_jobs()
    assert found(bot, "quagga")
    take_findings(bot.tenant, source, [Failed("page", "gone", "The page is not there any more (HTTP 404)")])
    run_jobs()
    row = documents(bot)["page"]
    assert (row.state, row.title, row.blob, row.text, row.chunks) == ("gone", "Page", "", "", 0) and not row.memory
    assert not found(bot, "quagga") and blobs(bot) == set() and retry_documents(bot.tenant, [row.id]) == 0
    take_findings(bot.tenant, source, [page])
    run_jobs()
    assert documents(bot)["page"].state == "searchable" and found(bot, "quagga")
