"""Archives that are sound, broken and hostile."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset.errors import FishDataError
from fish_dataset.sources.archives import Limits, archive_kind, unpack
from fish_dataset.sources.archives.names import is_clutter, safe_name

FILES = {
    "set/images/물고기 1.jpg": os.urandom(70_000),
    "set/train.json": b"{}" * 40_000,
    "set/empty": b"",
    "b.txt": b"x" * 512,
}


def make_zip(path: Path, files: dict[str, bytes], **fields) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for field, value in fields.items():
                setattr(info, field, value)
            archive.writestr(info, content)
    return path


def make_tar(path: Path, files: dict[str, bytes], mode: str = "w:gz", **fields) -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for field, value in fields.items():
                setattr(info, field, value)
            archive.addfile(info, io.BytesIO(content))
    return path


def found(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refused(archive: Path, folder: Path, match: str, **options) -> None:
    """It is refused for this reason, and not a byte is left anywhere."""
    out = folder / "out"
    before = sorted(folder.rglob("*"))
    with pytest.raises(FishDataError, match=match) as caught:
        unpack(archive, out, **options)
    assert str(archive) in str(caught.value)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.xz", "tar.bz2"])
def test_what_went_in_comes_out(tmp_path, kind):
    path = tmp_path / "archive.bin"
    if kind == "zip":
        make_zip(path, FILES)
    else:
        make_tar(path, FILES, mode=f"w:{kind[4:]}")
    assert archive_kind(path) == kind
    said = []
    done = unpack(path, tmp_path / "out", progress=lambda done, total: said.append((done, total)))
    assert found(tmp_path / "out") == FILES
    assert (done.files, done.bytes) == (4, sum(map(len, FILES.values())))
    assert [count for count, _ in said] == sorted(count for count, _ in said)
    assert said[-1][0] == said[-1][1]


def test_many_small_members_of_a_tar_do_not_begin_anew_each_time(tmp_path):
    files = {f"{number}.txt": b"x" * (number % 3 * 512) for number in range(1500)}
    unpack(make_tar(tmp_path / "a.tgz", files), tmp_path / "out")
    assert found(tmp_path / "out") == files


def test_what_macos_leaves_behind_stays_behind(tmp_path):
    files = {"a.jpg": b"1", "__MACOSX/._a.jpg": b"2", ".DS_Store": b"3", "d/._b": b"4"}
    done = unpack(make_zip(tmp_path / "a.zip", files), tmp_path / "out")
    assert found(tmp_path / "out") == {"a.jpg": b"1"}
    assert done.clutter == 3


def test_korean_names_of_old_windows_zips(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"AAAA.txt": b"1"})
    raw = path.read_bytes().replace(b"AAAA", "넙치".encode("cp949"))
    path.write_bytes(raw)
    unpack(path, tmp_path / "out")
    assert found(tmp_path / "out") == {"넙치.txt": b"1"}


HOSTILE_NAMES = {
    "../evil": "leads out",
    "a/../../evil": "leads out",
    "a/..": "leads out",
    "/etc/evil": "absolute",
    "//host/evil": "absolute",
    "C:/evil": "absolute",
    "c:evil": "absolute",
    "..\\evil": "backslash",
    "a\\b": "backslash",
    "a\nb": "control character",
    "a\x1b[2Jb": "control character",
    "x" * 300: "longer than 255",
}


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names(tmp_path, name):
    for make in (make_zip, make_tar):
        archive = make(tmp_path / "archive", {"good.txt": b"1", name: b"2"})
        refused(archive, tmp_path, HOSTILE_NAMES[name])
    assert not (tmp_path.parent / "evil").exists()


def test_a_name_with_nul_is_refused_not_cut(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"a.jpg#.exe": b"1"})
    path.write_bytes(path.read_bytes().replace(b"a.jpg#.exe", b"a.jpg\0.exe"))
    refused(path, tmp_path, "control character")


@pytest.mark.parametrize("kind", ["SYMTYPE", "LNKTYPE", "CHRTYPE", "BLKTYPE", "FIFOTYPE"])
def test_links_and_devices_in_a_tar(tmp_path, kind):
    fields = {"type": getattr(tarfile, kind), "linkname": "good.txt"}
    archive = make_tar(tmp_path / "a.tar", {"good.txt": b""}, mode="w")
    with tarfile.open(archive, "a") as opened:
        info = tarfile.TarInfo("bad")
        for field, value in fields.items():
            setattr(info, field, value)
        opened.addfile(info)
    refused(archive, tmp_path, "is a link|is a device")


def test_a_file_through_a_link_never_gets_that_far(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w") as opened:
        link = tarfile.TarInfo("dir")
        link.type, link.linkname = tarfile.SYMTYPE, str(outside)
        opened.addfile(link)
        file = tarfile.TarInfo("dir/evil")
        file.size = 1
        opened.addfile(file, io.BytesIO(b"x"))
    refused(archive, tmp_path, "is a link")


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o060666, 0o010666])
def test_links_and_devices_in_a_zip(tmp_path, mode):
    archive = make_zip(tmp_path / "a.zip", {"bad": b"/etc/passwd"}, external_attr=mode << 16)
    refused(archive, tmp_path, "is a link or a device")


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize(
    ("first", "second", "match"),
    [
        ("a/Fish.jpg", "A/fish.JPG", "differ by case"),
        ("caf\u00e9.jpg", "cafe\u0301.jpg", "differ by case"),
        ("a/b", "a/b/c", "file and a folder"),
        ("a/b/c", "A/B", "file and a folder"),
        ("a/b", "./a//b", "twice"),
    ],
)
def test_members_that_fall_on_one_another(tmp_path, make, first, second, match):
    refused(make(tmp_path / "archive", {first: b"1", second: b"2"}), tmp_path, match)


def test_a_zip_bomb_is_refused_by_its_directory(tmp_path):
    archive = make_zip(tmp_path / "a.zip", {"zeros": bytes(80_000_000)})
    assert archive.stat().st_size < 100_000
    refused(archive, tmp_path, "more than .* a bomb")


def test_a_zip_that_understates_its_sizes_gives_no_more_than_it_states(tmp_path):
    archive = make_zip(tmp_path / "a.zip", {"zeros": bytes(50_000_000)})
    raw = archive.read_bytes().replace(struct.pack("<L", 50_000_000), struct.pack("<L", 10))
    archive.write_bytes(raw)
    refused(archive, tmp_path, "damaged")


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_tar_bomb_is_stopped_on_its_way(tmp_path, mode):
    archive = make_tar(tmp_path / "a.tar", {"zeros": bytes(20_000_000)}, mode=mode)
    refused(archive, tmp_path, "a bomb", limits=Limits(floor=1 << 20, ratio=10))


def test_a_header_of_absurd_size_is_not_read(tmp_path):
    for kind in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME):
        info = tarfile.TarInfo("long")
        info.type, info.size = kind, 4_000_000
        path = tmp_path / "a.tar.gz"
        with gzip.open(path, "wb") as file:
            file.write(info.tobuf(tarfile.GNU_FORMAT))
            file.write(bytes(4_000_000))
        refused(path, tmp_path, "a header of .* a bomb")


def test_too_many_members(tmp_path):
    archive = make_zip(tmp_path / "a.zip", {str(number): b"" for number in range(20)})
    refused(archive, tmp_path, "more than 10 files", limits=Limits(files=10))


def test_an_encrypted_zip(tmp_path):
    archive = make_zip(tmp_path / "a.zip", {"a": b"1"})
    raw = bytearray(archive.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(raw)
    refused(archive, tmp_path, "is encrypted")


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_an_archive_cut_short_anywhere(tmp_path, make):
    files = {"a.bin": os.urandom(3000), "b.bin": os.urandom(3000)}
    whole = make(tmp_path / "whole", files).read_bytes()
    (tmp_path / "whole").unlink()
    for length in range(600, len(whole) - 24, 397):
        archive = tmp_path / "archive"
        archive.write_bytes(whole[:length])
        refused(archive, tmp_path, "damaged or cut short")


def test_a_plain_tar_cut_between_two_members(tmp_path):
    archive = make_tar(tmp_path / "a.tar", {"a": b"1" * 512, "b": b"2" * 512}, mode="w")
    archive.write_bytes(archive.read_bytes()[:1024])
    refused(archive, tmp_path, "no end mark")


def test_a_bad_header_in_the_middle_is_no_end(tmp_path):
    archive = make_tar(tmp_path / "a.tar", {"a": b"1" * 512, "b": b"2" * 512}, mode="w")
    raw = bytearray(archive.read_bytes())
    raw[1024 + 148 : 1024 + 156] = b"00000000"  # the checksum of the second header
    archive.write_bytes(raw)
    refused(archive, tmp_path, "no end mark")


@pytest.mark.parametrize(
    ("head", "match"),
    [
        (b"7z\xbc\xaf\x27\x1c\0\0", "7z archive.*unpack it yourself"),
        (b"Rar!\x1a\x07", "rar archive.*unpack it yourself"),
        (b"\n<!DOCTYPE html><html>", "web page.*login"),
        (b"", "no zip or tar archive"),
        (b"hello", "no zip or tar archive"),
    ],
)
def test_other_files(tmp_path, head, match):
    path = tmp_path / "file"
    path.write_bytes(head)
    refused(path, tmp_path, match)


def test_zst_where_python_cannot_read_it(tmp_path):
    path = tmp_path / "a.tar.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(100))
    refused(path, tmp_path, "Python 3.14|damaged")


def test_a_missing_file_and_a_full_folder(tmp_path):
    with pytest.raises(FishDataError, match="cannot be read"):
        unpack(tmp_path / "none.zip", tmp_path / "out")
    archive = make_zip(tmp_path / "a.zip", FILES)
    with pytest.raises(FishDataError, match="holds files already"):
        unpack(archive, tmp_path)


def test_ctrl_c_leaves_nothing(tmp_path):
    archive = make_zip(tmp_path / "a.zip", FILES)

    def interrupt(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack(archive, tmp_path / "out", progress=interrupt)
    assert list(tmp_path.iterdir()) == [archive]


@given(st.text(alphabet=st.sampled_from("ab./\\:~\0 \n한\ud800"), max_size=20))
def test_a_name_that_passes_stays_inside(name):
    try:
        safe = safe_name(name)
    except FishDataError:
        return
    root = os.path.realpath("unpacked")
    assert os.path.realpath(os.path.join(root, safe)).startswith(root)
    assert "\\" not in safe and "\0" not in safe
    safe.encode()


def test_clutter_is_told_from_data():
    assert is_clutter("a/__MACOSX/b.jpg") and is_clutter("a/._b.jpg") and is_clutter("Thumbs.db")
    assert not is_clutter("a/_b.jpg") and not is_clutter("MACOSX/x") and not is_clutter("a._b")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["zip", "tar", "tgz"]), st.data())
def test_damaged_bytes_raise_nothing_else(tmp_path_factory, kind, data):
    folder = tmp_path_factory.mktemp("fuzz")
    files = {"a/b.txt": b"hello " * 50, "c.json": b"{}"}
    path = folder / "archive"
    if kind == "zip":
        make_zip(path, files)
    else:
        make_tar(path, files, mode="w" if kind == "tar" else "w:gz")
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw)
    try:
        unpack(path, folder / "out")
    except FishDataError:
        assert [entry.name for entry in folder.iterdir()] == ["archive"]
