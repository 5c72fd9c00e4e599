"""Tensors in files: what comes back, where it goes, and what is refused."""

import errno
import io
import os
import pickle
import random
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import lampas
from lampas.engine.tensor import wrap
from lampas.errors import (
    ArgumentTypeError,
    FileFormatError,
    LampasError,
    UnsafeFileError,
)
from lampas.serialization.pickling import TensorParts, pickle_plain
from lampas.serialization.torchzip import write_archive

DATA = Path(__file__).parent / "data"


def parameter(*sizes):
    made = lampas.ones(*sizes)
    made._mark("parameter", True)
    return made.requires_grad_()


def through_file(obj, **options):
    file = io.BytesIO()
    lampas.save(obj, file)
    file.seek(0)
    return lampas.load(file, **options)


def saved_on(location):
    """A file whose one tensor was saved on some device."""
    file = io.BytesIO()
    array = np.arange(3.0)
    made = pickle_plain(
        [array], lambda v: TensorParts(v, location) if v is array else None
    )
    write_archive(file, *made)
    file.seek(0)
    return file


def test_a_checkpoint_comes_back():
    obj = {
        "model": OrderedDict(w=lampas.tensor([[1.0, 2.0]]), n=lampas.tensor(3)),
        "half": lampas.tensor([1.5], dtype=lampas.bfloat16),
        "leaf": lampas.tensor([1.0], requires_grad=True),
        "weight": parameter(2),
        "epoch": 7,
        "rate": 0.1,
        "nested": [{"name": "é", "none": None, "flags": (True, b"\x00")}],
        "size": lampas.zeros(2, 3).shape,
        "device": lampas.device("cuda", 1),
        "dtype": lampas.float16,
    }
    got = through_file(obj)
    assert list(got) == list(obj)
    assert got["model"]["w"].tolist() == [[1.0, 2.0]]
    assert got["model"]["n"].dtype is lampas.int64
    assert got["model"]["n"].shape == ()
    assert got["half"].dtype is lampas.bfloat16
    assert [got[k].requires_grad for k in ("half", "leaf", "weight")] == [
        False,
        True,
        True,
    ]
    assert [got[k].is_parameter for k in ("leaf", "weight")] == [False, True]
    for key in ("epoch", "rate", "nested", "size", "device", "dtype"):
        assert got[key] == obj[key]
        assert type(got[key]) is type(obj[key])


def test_a_result_with_a_history_comes_back_as_a_leaf():
    x = lampas.tensor([2.0], requires_grad=True)
    got = through_file(x * x)
    assert got.requires_grad
    assert got.is_leaf
    assert got.tolist() == [4.0]


def test_views_share_memory_again():
    base = lampas.zeros(2, 3)
    row = wrap(base._data[1])
    got = through_file({"base": base, "row": row, "same": base})
    assert got["same"] is got["base"]
    got["row"]._data[0] = 5.0
    assert got["base"].tolist() == [[0.0, 0.0, 0.0], [5.0, 0.0, 0.0]]


@pytest.mark.parametrize("name", ["x.pt", "x.safetensors"])
@pytest.mark.parametrize("mmap", [None, True])
def test_paths_and_mapping(tmp_path, name, mmap):
    path = tmp_path / name
    lampas.save({"w": lampas.ones(3)}, path)
    got = lampas.load(str(path), mmap=mmap)
    got["w"]._data[0] = 9.0
    assert got["w"].tolist() == [9.0, 1.0, 1.0]
    assert lampas.load(path)["w"].tolist() == [1.0, 1.0, 1.0]
    renamed = path.rename(tmp_path / "weights")
    assert lampas.load(renamed)["w"].tolist() == [1.0, 1.0, 1.0]


class Pipe:
    """A file object that can neither seek nor read into a buffer."""

    def __init__(self, data=b""):
        self.data = data

    def write(self, data):
        self.data += data

    def read(self, size=-1):
        return self.data


def test_a_pipe_will_do():
    pipe = Pipe()
    lampas.save([lampas.ones(2)], pipe)
    assert lampas.load(pipe)[0].tolist() == [1.0, 1.0]


def test_a_file_written_by_pytorch():
    """Made with torch 2.13: a module's and an optimizer's state, and plain values."""
    got = lampas.load(DATA / "torch.pt")
    assert got["model"]._metadata["1"] == {"version": 2}
    assert list(got["model"]) == [
        *("0.weight", "0.bias", "1.weight", "1.bias"),
        *("1.running_mean", "1.running_var", "1.num_batches_tracked"),
    ]
    np.testing.assert_array_equal(
        got["model"]["0.weight"].numpy(), np.arange(6, dtype=np.float32).reshape(2, 3)
    )
    assert got["optimizer"]["state"][0]["exp_avg"].tolist() == [[1.0] * 3] * 2
    assert got["column"].tolist() == [1.0, 4.0]
    assert np.shares_memory(got["column"]._data, got["model"]["0.weight"]._data)
    assert got["parameter"].is_parameter
    assert got["half"].tolist() == [1.0, -2.5]
    assert got["half"].dtype is lampas.bfloat16
    assert got["size"] == lampas.zeros(2, 3).shape
    assert got["device"] == lampas.device("cpu")
    assert got["dtype"] is lampas.float64
    assert vars(got["arguments"]) == {"lr": 0.1}
    assert got["array"].tolist() == [[0, 1], [2, 3]]
    assert got["plain"] == {
        "text": "é",
        "bytes": b"\x00\xff",
        "set": {1, 2},
        "big": 2**70,
    }


def test_a_file_written_by_pytorch_before_1_6():
    """Made with torch 2.13, ``_use_new_zipfile_serialization=False``."""
    got = lampas.load(DATA / "legacy.pt")
    assert got["weight"].tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert got["column"].tolist() == [1.0, 4.0]
    assert np.shares_memory(got["column"]._data, got["weight"]._data)
    assert got["parameter"].is_parameter
    assert got["steps"].tolist() == [7]
    assert got["epoch"] == 3
    moved = lampas.load(DATA / "legacy.pt", map_location="sim")
    assert moved["column"].device.type == "sim"
    assert moved["column"].cpu().tolist() == [1.0, 4.0]
    with pytest.raises(FileFormatError, match=r"legacy\.pt: mmap=True needs"):
        lampas.load(DATA / "legacy.pt", mmap=True)


# ------------------------------------------------------------------------------ places


@pytest.mark.parametrize("location", ["cuda:5", "mps", "xla:0", "cuda:²"])
def test_a_missing_device_gives_the_cpu_and_one_warning(location):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        got = lampas.load(saved_on(location))
    assert got[0].device == lampas.device("cpu")
    assert [str(w.message).count(location) for w in seen] == [1]
    assert seen[0].filename == __file__


@pytest.mark.parametrize(
    "where",
    [
        "cpu",
        lampas.device("cpu"),
        {"cuda:5": "cpu"},
        lambda storage, location: storage,
        lambda storage, location: storage.cpu() if location == "cuda:5" else None,
    ],
)
def test_map_location_to_the_cpu_is_silent(where):
    got = lampas.load(saved_on("cuda:5"), map_location=where)
    assert got[0].device == lampas.device("cpu")
    assert got[0].tolist() == [0.0, 1.0, 2.0]


def test_map_location_to_another_device(tmp_path):
    got = lampas.load(saved_on("cpu"), map_location="sim")
    assert got[0].device.type == "sim"
    path = tmp_path / "x.safetensors"
    lampas.save({"w": got[0]}, path)
    assert lampas.load(path, "sim")["w"].device.type == "sim"
    assert through_file(got)[0].device.type == "sim"


def test_tied_weights_stay_tied_on_a_device():
    weight = lampas.load(saved_on("cpu"), map_location="sim")[0]
    tied = wrap(weight._data)
    file = io.BytesIO()
    lampas.save({"embed": weight, "head": tied}, file)
    with zipfile.ZipFile(file) as archive:
        assert sum("/data/" in name for name in archive.namelist()) == 1
    file.seek(0)
    got = lampas.load(file)
    assert got["head"]._data is got["embed"]._data


@pytest.mark.parametrize("where", [7.5, lambda storage, location: "cpu"])
def test_a_map_location_that_makes_no_sense(where):
    with pytest.raises(ArgumentTypeError, match="map_location"):
        lampas.load(saved_on("cpu"), map_location=where)


# ----------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("obj", "name", "message"),
    [
        ({"f": [test_a_pipe_will_do]}, "x.pt", r"obj\['f'\]\[0\]: a builtins.function"),
        ({"a": 1}, "x.safetensors", r"obj\['a'\] is a int"),
        ([lampas.ones(1)], "x.safetensors", "dict of tensors, got list"),
    ],
)
def test_what_cannot_be_saved_leaves_the_old_file(tmp_path, obj, name, message):
    path = tmp_path / name
    path.write_bytes(b"old")
    with pytest.raises(TypeError, match=message):
        lampas.save(obj, path)
    assert path.read_bytes() == b"old"


def test_a_full_disk_while_saving(tmp_path, monkeypatch):
    class FullDisk(io.FileIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "x.pt"
    path.write_bytes(b"old")
    monkeypatch.setattr("lampas.serialization.atomic.open", FullDisk, raising=False)
    with pytest.raises(OSError, match="No space left"):
        lampas.save(lampas.ones(2), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_hostile_file_is_refused_by_name(tmp_path):
    class Hostile:
        def __reduce__(self):
            return os.system, ("touch executed",)

    path = tmp_path / "model.pt"
    with open(path, "wb") as file:
        write_archive(file, pickle.dumps({"w": Hostile()}, 2), [])
    with pytest.raises(UnsafeFileError, match=r"model\.pt: refused.*posix\.system"):
        lampas.load(path, weights_only=False)


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04", b"\x08" + b"\0" * 7])
@pytest.mark.parametrize("name", ["x.pt", "x.safetensors"])
def test_a_damaged_file_is_named(tmp_path, data, name):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(FileFormatError, match=name):
        lampas.load(path)


def test_arguments_that_make_no_sense(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        lampas.load(tmp_path / "nowhere.pt")
    with pytest.raises(TypeError, match="f must be a path"):
        lampas.load(7)
    with pytest.raises(TypeError, match="f must be a path"):
        lampas.save(7, 7)
    with pytest.raises(ValueError, match="mmap=True needs a path"):
        lampas.load(io.BytesIO(), mmap=True)
    with pytest.raises(ValueError, match="pickle_protocol"):
        lampas.save(1, io.BytesIO(), pickle_protocol=4)


def changed(data, rng):
    """A few bytes of a file changed, lost, or repeated."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 2, 5])):
        at, other = rng.randrange(len(data)), rng.randrange(len(data))
        how = rng.randrange(3)
        if how == 0:
            data[at] = rng.randrange(256)
        elif how == 1:
            del data[at : at + rng.randrange(1, 9)]
        else:
            data[at:at] = data[other : other + rng.randrange(1, 30)]
    return bytes(data)


def repacked(pickled):
    """The file of PyTorch with another pickle inside, checksums right."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(DATA / "torch.pt") as old,
        zipfile.ZipFile(file, "w") as new,
    ):
        for name in old.namelist():
            new.writestr(name, pickled if name.endswith(".pkl") else old.read(name))
    return file.getvalue()


@pytest.mark.filterwarnings("ignore:.*which is not here")
@pytest.mark.parametrize("kind", ["archive", "pickle", "legacy", "safetensors"])
def test_no_damage_gives_anything_but_one_clear_error(kind, tmp_path):
    rng = random.Random(kind)
    lampas.save({"a": lampas.ones(3), "b": lampas.ones(2)}, tmp_path / "x.safetensors")
    with zipfile.ZipFile(DATA / "torch.pt") as archive:
        pickled = archive.read("torch/data.pkl")
    original = {
        "archive": (DATA / "torch.pt").read_bytes(),
        "pickle": pickled,
        "legacy": (DATA / "legacy.pt").read_bytes(),
        "safetensors": (tmp_path / "x.safetensors").read_bytes(),
    }[kind]
    refused = 0
    for _ in range(300):
        data = changed(original, rng)
        try:
            lampas.load(io.BytesIO(repacked(data) if kind == "pickle" else data))
        except LampasError:
            refused += 1
    assert refused > 150
