"""Safetensors, PyTorch's archive and the atomic write, at the level of arrays."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

from lampas.errors import FileFormatError, UnsafeFileError
from lampas.serialization.atomic import atomic_write
from lampas.serialization.pickling import TensorParts, pickle_plain
from lampas.serialization.safetensors import read_safetensors, write_safetensors
from lampas.serialization.stored import ArrayMaker
from lampas.serialization.torchzip import read_archive, write_archive

ARRAYS = {
    "float32": np.arange(6, dtype=np.float32).reshape(2, 3),
    "float64": np.array(1.5),
    "float16": np.ones((0, 3), np.float16),
    "bfloat16": np.array([1.0, -2.5], ml_dtypes.bfloat16),
    "int64": np.array([-1, 2**40]),
    "uint8": np.array([0, 255], np.uint8),
    "bool": np.array([True, False, True]),
    "complex64": np.array([1 + 2j], np.complex64),
    "transposed": np.arange(6, dtype=np.int32).reshape(2, 3).T,
    "reversed": np.arange(4, dtype=np.int16)[::-1],
}


def as_file(array):
    return TensorParts(array) if isinstance(array, np.ndarray) else None


def archived(obj: object) -> io.BytesIO:
    file = io.BytesIO()
    write_archive(file, *pickle_plain(obj, as_file))
    file.seek(0)
    return file


def assert_same(got, expected):
    assert got.keys() == expected.keys()
    for key, array in expected.items():
        assert got[key].dtype == array.dtype
        np.testing.assert_array_equal(got[key], array, err_msg=key)


# ----------------------------------------------------------------------- safetensors


def test_safetensors_round_trip(tmp_path):
    path = tmp_path / "x.safetensors"
    with open(path, "wb") as file:
        write_safetensors(file, ARRAYS, {"made": "here"})
    for mapped in (False, True):
        with open(path, "rb") as file:
            arrays, metadata = read_safetensors(file, map_file=mapped)
        assert_same(arrays, ARRAYS)
        assert metadata == {"made": "here"}
        arrays["uint8"][0] = 7
    assert safetensors.numpy.load_file(path)["int64"].tolist() == [-1, 2**40]


def test_safetensors_of_the_reference_library():
    plain = {k: v for k, v in ARRAYS.items() if k not in ("complex64", "bfloat16")}
    data = safetensors.numpy.save({k: v.copy("C") for k, v in plain.items()})
    arrays, metadata = read_safetensors(io.BytesIO(data))
    assert_same(arrays, plain)
    assert metadata == {}


def with_header(header: object, data: bytes = b"") -> io.BytesIO:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return io.BytesIO(len(raw).to_bytes(8, "little") + raw + data)


def record(dtype="U8", shape=(4,), offsets=(0, 4)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (io.BytesIO(b""), "it has 0 bytes"),
        (io.BytesIO(b"\xff" * 8), "announces a header of 18446744073709551615"),
        (with_header(b"[1]"), "not an object"),
        (with_header(b"{"), "not JSON"),
        (with_header(b"[" * 100_000), "not JSON"),
        (with_header(b'{"a": 1, "a": 1}'), "twice"),
        (with_header({"a": 1}), "expected a record"),
        (with_header({"a": record("O8")}, bytes(4)), "dtype 'O8'"),
        (with_header({"a": record(shape=(-4,))}, bytes(4)), "not a shape"),
        (with_header({"a": record(shape=(2**40, 2**40))}, bytes(4)), "not a shape"),
        (with_header({"a": record(offsets=(0, 2**40))}, bytes(4)), "takes 4 bytes"),
        (with_header({"a": record(offsets=(4, 0))}, bytes(4)), "takes 4 bytes"),
        (with_header({"a": record()}, bytes(3)), "cut short.* expects 72 .* are 71"),
        (with_header({"a": record()}, bytes(5)), "left over"),
        (with_header({"a": record(), "b": record()}, bytes(4)), "begins at byte 0"),
        (with_header({"__metadata__": {"a": 1}}), "strings to strings"),
    ],
)
def test_a_bad_safetensors_file_is_one_clear_error(file, message):
    with pytest.raises(FileFormatError, match=message) as caught:
        read_safetensors(file, "weights.bin")
    assert str(caught.value).startswith("weights.bin: ")


@pytest.mark.parametrize(
    ("tensors", "metadata"),
    [
        ({"__metadata__": np.zeros(1)}, {}),
        ({"a": np.array(["text"])}, {}),
        ({"a": np.zeros(1)}, {"n": 1}),
    ],
)
def test_what_safetensors_cannot_hold_is_refused_before_writing(tensors, metadata):
    file = io.BytesIO()
    with pytest.raises((TypeError, ValueError)):
        write_safetensors(file, tensors, metadata)
    assert file.getvalue() == b""


# -------------------------------------------------------------------- PyTorch's archive


def test_archive_round_trip_keeps_values_and_sharing(tmp_path):
    base = np.arange(12, dtype=np.float32).reshape(3, 4)
    state = OrderedDict(base=base, row=base[1], step=base[:, ::2], turned=base.T)
    state._metadata = {"": {"version": 2}}
    obj = {"state": state, "more": [ARRAYS, 1, -(2**70), "é", b"\xff", None, {1}]}
    obj["again"] = obj["more"]
    obj["counts"] = defaultdict(list, a=[1])
    path = tmp_path / "x.pt"
    path.write_bytes(archived(obj).getvalue())
    for mapped in (False, True):
        with open(path, "rb") as file:
            got = read_archive(file, ArrayMaker(), map_file=mapped)
        assert_same(got["state"], state)
        assert_same(got["more"][0], ARRAYS)
        assert got["more"][1:] == obj["more"][1:]
        assert got["state"]._metadata == {"": {"version": 2}}
        assert got["again"] is got["more"]
        assert got["counts"]["b"] == []
        got["state"]["base"][1, 0] = 40
        assert [got["state"][k].flat[i] for k, i in (("row", 0), ("turned", 1))] == [
            40,
            40,
        ]


def test_entries_are_aligned_and_plain():
    file = archived({"a": np.zeros(3), "b": np.zeros(5, np.uint8), "c": np.zeros(1)})
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        for info in archive.infolist():
            assert info.compress_type == zipfile.ZIP_STORED
            file.seek(info.header_offset + 26)
            name, extra = file.read(2), file.read(2)
            begin = info.header_offset + 30 + name[0] + extra[0]
            assert begin % 64 == 0


def test_bytes_of_another_order():
    data = archived({"a": np.array([1.0, 2.0]).byteswap()}).getvalue()
    other = {"little": b"big", "big": b"little"}[sys.byteorder]
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, other if name.endswith("order") else old.read(name))
    file.seek(0)
    assert read_archive(file, ArrayMaker())["a"].tolist() == [1.0, 2.0]


def rezipped(edit) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        edit(archive)
    file.seek(0)
    return file


def damaged_storage() -> io.BytesIO:
    data = bytearray(archived(np.full(64, 7.0)).getvalue())
    data[data.index(np.float64(7).tobytes() * 8)] ^= 1
    return io.BytesIO(data)


@pytest.mark.parametrize(
    ("file", "error", "message"),
    [
        (io.BytesIO(b""), FileFormatError, "0 bytes"),
        (io.BytesIO(b"hello"), FileFormatError, "neither .* 5 bytes that begin with"),
        (io.BytesIO(b"\x80\x02K\x01."), UnsafeFileError, "bare pickle"),
        (
            io.BytesIO(archived(np.zeros(99)).getvalue()[:-9]),
            FileFormatError,
            "cut short",
        ),
        (
            io.BytesIO(archived(np.zeros(99)).getvalue()[:700]),
            FileFormatError,
            "archive of 700 bytes .* cut short",
        ),
        (damaged_storage(), FileFormatError, "data/0 is damaged: its checksum"),
        (
            rezipped(lambda z: z.writestr("a.npy", b"")),
            FileFormatError,
            "numpy.load",
        ),
        (
            rezipped(lambda z: z.writestr("readme", b"")),
            FileFormatError,
            "it holds readme",
        ),
        (
            rezipped(
                lambda z: [z.writestr(f"a/{n}.pkl", b"") for n in ("data", "constants")]
            ),
            UnsafeFileError,
            "TorchScript",
        ),
        (
            rezipped(
                lambda z: z.writestr("a/data.pkl", bytes(10**6), zipfile.ZIP_DEFLATED)
            ),
            FileFormatError,
            "compressed",
        ),
    ],
)
def test_what_is_no_checkpoint_is_named(file, error, message):
    with pytest.raises(error, match=message) as caught:
        read_archive(file, ArrayMaker(), "model.pt")
    assert str(caught.value).startswith("model.pt: ")


def test_every_cut_of_an_archive_is_one_clear_error():
    data = archived({"a": np.arange(9.0)}).getvalue()
    for length in range(0, len(data), 7):
        with pytest.raises(FileFormatError):
            read_archive(io.BytesIO(data[:length]), ArrayMaker())


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        ({"net": [len]}, r"obj\['net'\]\[0\]: a builtins.builtin_function"),
        ([object()], r"obj\[0\]: a builtins.object"),
        ({"a": Path("x")}, "Path"),
        (defaultdict(lambda: 0), "factory"),
        ([np.array([None])], "cannot"),
    ],
)
def test_what_cannot_be_saved_is_named_with_its_place(obj, message):
    with pytest.raises(TypeError, match=message):
        pickle_plain(obj, lambda value: None)


def test_nesting_without_end_is_refused():
    loop: list = []
    loop.append((loop,))
    assert pickle_plain(loop, as_file)
    deep: list = []
    for _ in range(1000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested more than"):
        pickle_plain(deep, as_file)


# ------------------------------------------------------------------------ whole files


class FullDisk(io.FileIO):
    """A file on a disk with room for a thousand bytes."""

    def write(self, data):
        if self.tell() + memoryview(data).nbytes > 1000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, SystemExit])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with pytest.raises(error), atomic_write(path) as file:
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    monkeypatch.setattr("lampas.serialization.atomic.open", FullDisk, raising=False)
    pickled = pickle_plain(np.zeros(1000), as_file)
    with pytest.raises(OSError, match="No space left"), atomic_write(path) as file:
        write_archive(file, *pickled)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_mode_and_link_survive(tmp_path):
    path, link = tmp_path / "x", tmp_path / "link"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link.symlink_to(path)
    with atomic_write(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_straight():
    with atomic_write("/dev/null") as file:
        file.write(b"gone")
    assert not Path("/dev/null").is_file()


SAVE_FOREVER = """
import sys
import numpy as np
from lampas.serialization.atomic import atomic_write
from lampas.serialization.pickling import TensorParts, pickle_plain
from lampas.serialization.torchzip import write_archive
number = 0
while True:
    number += 1
    obj = [np.full(200_000, number, np.int64), number]
    made = pickle_plain(
        obj, lambda v: TensorParts(v) if isinstance(v, np.ndarray) else None
    )
    with atomic_write(sys.argv[1]) as file:
        write_archive(file, *made)
    print(number, flush=True)
"""


def test_a_save_killed_at_any_moment_leaves_a_whole_file(tmp_path):
    path = tmp_path / "x.pt"
    for attempt in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", SAVE_FOREVER, str(path)], stdout=subprocess.PIPE
        )
        process.stdout.readline()
        time.sleep(0.011 * attempt)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with open(path, "rb") as file:
            array, number = read_archive(file, ArrayMaker())
        assert (array == number).all()
    # What was left half-written is used again: it does not pile up.
    assert len(list(tmp_path.iterdir())) <= 2
    with atomic_write(path) as file:
        file.write(b"new")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"new"


def test_two_writers_of_one_file_do_not_mix(tmp_path):
    path = tmp_path / "x"
    with atomic_write(path) as first:
        first.write(b"first ")
        with atomic_write(path) as second:
            second.write(b"second")
        assert path.read_bytes() == b"second"
        first.write(b"goes on")
    assert path.read_bytes() == b"first goes on"
    assert list(tmp_path.iterdir()) == [path]
