"""Bytes of documents at an address of fsspec: as in a folder, and no tenant reads another's."""

from __future__ import annotations

import pytest

from webchatagent.core.errors import WebChatAgentError
from webchatagent.stores.blobs import FolderBlobs, RemoteBlobs


@pytest.fixture(params=["folder", "file", "memory"])
def blobs(request, tmp_path):
    if request.param == "folder":
        return FolderBlobs(tmp_path)
    return RemoteBlobs(f"file://{tmp_path}" if request.param == "file" else f"memory://{tmp_path}")


def test_bytes_come_back_and_are_gone_when_deleted(blobs):
    key = blobs.put(1, b"of acme")
    assert blobs.get(1, key) == b"of acme"
    blobs.delete(1, key)
    blobs.delete(1, key)
    with pytest.raises(FileNotFoundError):
        blobs.get(1, key)


def test_a_key_of_another_tenant_and_a_path_are_no_keys(blobs):
    key = blobs.put(1, b"of acme")
    for odd in (key, "2/../1/x", "1/../../etc/passwd", "2/", ""):
        with pytest.raises(FileNotFoundError):
            blobs.get(2, odd)


def test_what_no_row_names_is_swept_when_it_is_old(blobs):
    kept, old = blobs.put(1, b"kept"), blobs.put(1, b"old")
    other = blobs.put(2, b"of globex")
    assert blobs.sweep(1, {kept}, 3600) == 0
    assert blobs.sweep(1, {kept}, -3600) == 1
    assert blobs.get(1, kept) == b"kept" and blobs.get(2, other) == b"of globex"
    with pytest.raises(FileNotFoundError):
        blobs.get(1, old)


def test_a_tenant_goes_alone(blobs):
    one, two = blobs.put(1, b"of acme"), blobs.put(2, b"of globex")
    blobs.delete_tenant(1)
    blobs.delete_tenant(1)
    assert blobs.get(2, two) == b"of globex"
    with pytest.raises(FileNotFoundError):
        blobs.get(1, one)


def test_the_setting_takes_effect_and_a_wrong_one_is_said(make_platform, tmp_path):
    platform = make_platform(blobs_url=f"file://{tmp_path}/elsewhere")
    key = platform.blobs.put(1, b"there")
    assert (tmp_path / "elsewhere" / key).read_bytes() == b"there"
    with pytest.raises(WebChatAgentError) as wrong:
        RemoteBlobs("nosuch://bucket")
    assert wrong.value.code == "setting_wrong" and wrong.value.cure
