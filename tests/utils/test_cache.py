"""Cached files are identified by content and never half written."""

import os
import stat
import time
from pathlib import Path

import pytest

from sklidh.utils import atomic_write, cache_folder, fingerprint


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "image.nii"
    file.write_bytes(b"voxels")
    return file


def test_the_same_parts_have_the_same_fingerprint(file):
    assert fingerprint("settings", 1.5, file) == fingerprint("settings", 1.5, file)
    assert len(fingerprint()) == 40


def test_the_order_and_boundaries_of_parts_matter():
    digests = [fingerprint(*parts) for parts in [("ab", "c"), ("a", "bc"), ("abc",), ("abc", "")]]
    assert len(set(digests)) == 4


def test_a_path_stands_for_the_content_of_its_file(file, tmp_path):
    copy = tmp_path / "copy.nii"
    copy.write_bytes(b"voxels")
    other = tmp_path / "other.nii"
    other.write_bytes(b"vexels")
    assert fingerprint(file) == fingerprint(copy)
    assert fingerprint(file) != fingerprint(other)
    assert fingerprint(file) != fingerprint(str(file))


@pytest.mark.parametrize("age", [0, 3600])
def test_a_rewritten_file_is_detected(file, age):
    def let_it_look_old():
        time = file.stat().st_mtime - age
        os.utime(file, (time, time))

    let_it_look_old()
    before = fingerprint(file)
    file.write_bytes(b"VOXELS")  # the same size, the same instant
    let_it_look_old()
    assert fingerprint(file) != before


def test_a_replaced_file_is_detected_for_any_time_stamp(file, tmp_path):
    os.utime(file, (1e9, 1e9))
    before = fingerprint(file)
    other = tmp_path / "other.nii"
    other.write_bytes(b"VOXELS")
    os.utime(other, (1e9, 1e9))
    os.replace(other, file)
    assert fingerprint(file) != before


def test_a_missing_file_has_no_fingerprint(tmp_path):
    with pytest.raises(FileNotFoundError):
        fingerprint(tmp_path / "nowhere.nii")


def test_the_cache_folder_is_the_argument_the_environment_variable_or_none(tmp_path, monkeypatch):
    monkeypatch.setenv("SKLIDH_CACHE", str(tmp_path / "environment"))
    assert cache_folder(None, "radiomics") == tmp_path / "environment" / "radiomics"
    assert cache_folder(tmp_path / "given", "radiomics") == tmp_path / "given" / "radiomics"
    assert cache_folder(str(tmp_path / "given"), "radiomics").is_dir()
    assert cache_folder(False, "radiomics") is None


def test_a_folder_that_cannot_be_created_is_an_error_with_its_path(file):
    with pytest.raises(OSError, match=rf"cache folder {file}/images cannot be created .*=False"):
        cache_folder(file, "images")


def test_the_default_cache_folder_is_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("SKLIDH_CACHE")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert cache_folder(None, "radiomics") == tmp_path / ".cache" / "sklidh" / "radiomics"


def test_leftovers_of_killed_runs_are_removed_and_files_being_written_are_not(tmp_path):
    folder = cache_folder(tmp_path, "kind")
    old, recent, kept = (folder / name for name in (".writing-1-a", ".writing-2-b", "a"))
    for path in (old, recent, kept):
        path.touch()
    for path in (old, kept):
        os.utime(path, (time.time() - 4000,) * 2)
    cache_folder(tmp_path, "kind")
    assert sorted(folder.iterdir()) == [recent, kept]


def test_a_file_appears_under_its_name_once_it_is_complete(tmp_path):
    target = tmp_path / "features.npz"
    with atomic_write(target) as temporary:
        temporary.write_bytes(b"half")
        assert not target.exists()
        temporary.write_bytes(b"whole")
    assert target.read_bytes() == b"whole"
    assert os.listdir(tmp_path) == ["features.npz"]


def test_the_temporary_name_keeps_the_extension_which_sets_the_format(tmp_path):
    with atomic_write(tmp_path / "T1.nii.gz") as temporary:
        assert temporary.name.endswith(".nii.gz")
        temporary.touch()


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_no_temporary_file_and_the_old_file_unchanged(tmp_path, stop):
    target = tmp_path / "features.npz"
    target.write_bytes(b"old")

    def write():
        with atomic_write(target) as temporary:
            temporary.write_bytes(b"half")
            raise stop

    with pytest.raises(stop):
        write()
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["features.npz"]


def test_an_error_of_writing_contains_the_final_name(tmp_path):
    target = tmp_path / "absent" / "features.npz"

    def write():
        with atomic_write(target) as temporary:
            temporary.write_bytes(b"whole")

    with pytest.raises(FileNotFoundError) as caught:
        write()
    assert caught.value.filename == str(target)


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    def write():
        with atomic_write(tmp_path / "features.npz"):
            pass

    with pytest.raises(FileNotFoundError):
        write()


def test_the_umask_sets_the_permissions_of_the_file(tmp_path):
    before = os.umask(0o022)
    try:
        with atomic_write(tmp_path / "features.npz") as temporary:
            temporary.touch()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "features.npz").stat().st_mode) == 0o644
