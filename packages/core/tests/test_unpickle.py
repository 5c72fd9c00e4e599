"""A corpus of hostile pickles: nothing runs, each is refused by name."""

import io
import os
import pickle
import pickletools
import struct
import zipfile

import numpy as np
import pytest

from lampas.errors import FileFormatError, LampasError, UnsafeFileError
from lampas.serialization.plain import PLAIN_NAMES, rebuild
from lampas.serialization.stored import ArrayMaker, storage_of, tensor_names
from lampas.serialization.torchzip import read_archive
from lampas.serialization.unpickle import unpickle

NAMES = PLAIN_NAMES | tensor_names(ArrayMaker())


def no_storage(identity: object) -> object:
    raise AssertionError(f"asked for {identity}")


def load(data: bytes) -> object:
    return unpickle(data, NAMES, no_storage, rebuild, "file")


class Reduces:
    def __init__(self, *reduced: object) -> None:
        self.reduced = reduced

    def __reduce__(self) -> tuple:
        return self.reduced


def archive(pickled: bytes, **storages: bytes) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("archive/data.pkl", pickled)
        packed.writestr("archive/version", b"3\n")
        for key, data in storages.items():
            packed.writestr(f"archive/data/{key[1:]}", data)
    file.seek(0)
    return file


# What each would do is leave a file behind, so that a test can look for it.
COMMAND = "touch executed"

EXECUTES = {
    "reduce": (pickle.dumps(Reduces(os.system, (COMMAND,)), 0), "posix.system"),
    "reduce2": (pickle.dumps(Reduces(os.system, (COMMAND,)), 2), "posix.system"),
    "stack_global": (pickle.dumps(Reduces(os.system, (COMMAND,)), 4), "posix.system"),
    "eval": (
        pickle.dumps(Reduces(eval, ("__import__('os').system('x')",)), 2),
        "__builtin__.eval",
    ),
    "getattr": (b"\x80\x02cbuiltins\ngetattr\n.", "builtins.getattr"),
    "inst": (b"(S'" + COMMAND.encode() + b"'\nios\nsystem\n.", "os system"),
    "obj": (b"(cargparse\nNamespace\nS'x'\no.", "argparse.Namespace"),
    "newobj": (b"\x80\x02csubprocess\nPopen\n)\x81.", "subprocess.Popen"),
    "newobj_ex": (b"\x80\x04cargparse\nNamespace\n)}\x92.", "NEWOBJ_EX"),
    "ext1": (b"\x80\x02\x82\x01.", "registry by code 1"),
    "ext2": (b"\x80\x02\x83\x01\x02.", "EXT2"),
    "ext4": (b"\x80\x02\x84\x01\x02\x03\x04.", "EXT4"),
    "persid": (b"Pos.system\n.", "os.system"),
    "buffer": (b"\x80\x05\x97.", "NEXT_BUFFER"),
    "dotted": (
        b"\x80\x04\x8c\x0bcollections\x8c\x1aOrderedDict.__subclasses__\x93.",
        "OrderedDict.__subclasses__",
    ),
    "newline": (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "os.system"),
    "call_data": (b"\x80\x02X\x01\x00\x00\x00a)R.", "calls a str"),
    "call_type": (b"\x80\x02ctorch\nfloat32\n)R.", "calls a DType"),
    "call_factory": (b"\x80\x02c__builtin__\nstr\n)R.", "__builtin__.str"),
    "build_method": (
        b"\x80\x02ccollections\nOrderedDict\n)R}X\x05\x00\x00\x00itemsK\x01sb.",
        "sets 'items'",
    ),
    "build_class": (
        b"\x80\x02cargparse\nNamespace\n)\x81}X\x09\x00\x00\x00__class__K\x01sb.",
        "sets '__class__'",
    ),
}


@pytest.mark.parametrize("name", EXECUTES)
def test_code_is_refused_by_name_and_never_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data, named = EXECUTES[name]
    with pytest.raises(UnsafeFileError, match="nothing was executed") as caught:
        load(data)
    assert named in str(caught.value)
    with pytest.raises(pickle.UnpicklingError):
        read_archive(archive(data), ArrayMaker())
    assert list(tmp_path.iterdir()) == []


DAMAGED = {
    "empty": b"",
    "no_end": b"\x80\x02K\x01",
    "nothing": b"\x80\x02.",
    "unknown_code": b"\x80\x02\xff.",
    "cut_text": b"\x80\x02X\xff\xff\xff\x7fabc",
    "cut_bytes8": b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"abc",
    "cut_long4": b"\x80\x02\x8b\xff\xff\xff\x7f\x01.",
    "underflow": b"\x80\x02\x86.",
    "no_mark": b"\x80\x02t.",
    "below_mark": b"\x80\x02K\x01(\x85.",
    "no_memo": b"\x80\x02h\x07.",
    "append_to_int": b"\x80\x02K\x01K\x02a.",
    "odd_items": b"\x80\x02}(K\x01u.",
    "list_key": b"\x80\x02}]K\x01s.",
    "set_of_list": b"\x80\x04\x8f(]\x90.",
    "state_of_int": b"\x80\x02K\x01}b.",
    "array_of_objects": b"\x80\x02cnumpy\ndtype\nX\x01\x00\x00\x00O\x85R.",
    "bytearray_of_size": b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
    "huge_array": b"\x80\x02cnumpy._core.multiarray\n_reconstruct\n(cnumpy\nndarray\n"
    b"K\x00\x85K\x00tR(K\x01J\xff\xff\xff\x7f\x85cnumpy\ndtype\nX\x02\x00\x00\x00f8"
    b"\x85R\x89K\x00tb.",
    "wide_key": b"\x80\x02})" + b"q\x000h\x00h\x00\x86" * 60 + b"K\x01s.",
    "flat_key": b"\x80\x02}(" + b"N" * 2000 + b"tK\x01s.",
    "deep_key": b"\x80\x02}" + b")" + b"\x85" * 100_000 + b"K\x01s.",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_nonsense_is_one_clear_error(name):
    with pytest.raises(FileFormatError, match="file: the pickle is damaged"):
        load(DAMAGED[name])


# Values whose repr is endless, exponential or an error.
DOUBLED = b"]" + b"q\x000](h\x00h\x00e" * 60
DEEP = b"]" * 100_000 + b"a" * 99_999
HUGE = b"\x8b" + struct.pack("<I", 4000) + b"\x7f" * 4000


@pytest.mark.parametrize(
    "value", [DOUBLED, DEEP, HUGE], ids=["doubled", "deep", "huge"]
)
@pytest.mark.parametrize(
    "place",
    [
        b"ctorch\nSize\n(%st\x85R.",
        b"ctorch\ndevice\n%s\x85R.",
        b"(X\x07\x00\x00\x00storage%stQ.",
        b"%s)R.",
        b"%s(o.",
        b"cargparse\nNamespace\n)\x81}%sK\x01sb.",
        b"c_codecs\nencode\nX\x00\x00\x00\x00%s\x86R.",
        b"cnumpy\ndtype\n%s\x85R.",
    ],
)
def test_an_error_shows_no_more_than_it_can(value, place):
    names = PLAIN_NAMES | tensor_names(ArrayMaker())
    pickled = b"\x80\x02" + place.replace(b"%s", value)
    with pytest.raises(LampasError) as caught:
        unpickle(pickled, names, lambda i: storage_of(i, None), rebuild, "file")
    assert len(str(caught.value)) < 500


def test_deep_nesting_and_cycles_do_not_overflow_the_stack():
    value = load(b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".")
    depth = 0
    while value:
        (value,) = value
        depth += 1
    assert depth == 199_999
    cycle = load(b"\x80\x02]q\x00h\x00a.")
    assert cycle[0] is cycle


def test_a_huge_memo_index_allocates_nothing():
    assert load(b"\x80\x02K\x05r\xff\xff\xff\xff0j\xff\xff\xff\xff.") == 5


@pytest.mark.parametrize("protocol", range(6))
def test_plain_data_of_every_protocol(protocol):
    value = {
        "n": [None, True, False, 0, -1, 255, 65535, 2**31, -(2**90), 1.5],
        "t": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
        "s": "é\n",
        ("k", 1): {"set": {1, 2}},
    }
    if protocol >= 2:
        value["b"] = b"\x00\xff"
        value["c"] = 1 + 2j
    data = pickle.dumps(value, protocol)
    if protocol < 2:
        value.pop(("k", 1))
        data = pickle.dumps(value, protocol)
    assert load(data) == value


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.array(["ab", "c"]),
        np.arange(3, dtype=">i4"),
        np.float32(2.5),
        np.bool_(True),
    ],
    ids=str,
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_numpy_arrays_and_scalars_are_data(array, protocol):
    got = load(pickle.dumps({"a": array}, protocol))["a"]
    assert got.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(got, array)


def test_the_corpus_would_run_under_pickle_itself(tmp_path, monkeypatch):
    """The payloads are real: the standard reader executes this one."""
    monkeypatch.chdir(tmp_path)
    pickle.loads(EXECUTES["reduce2"][0])
    assert (tmp_path / "executed").exists()


def tensor(size, stride, offset=0, count=4, kind="Float", key="0"):
    """A pickle of one tensor, with whatever numbers."""
    return pickletools.optimize(
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(("
        + pickle.dumps("storage", 2)[2:-1]
        + f"ctorch\n{kind}Storage\n".encode()
        + b"".join(pickle.dumps(v, 2)[2:-1] for v in (key, "cpu", count))
        + b"tQ"
        + b"".join(pickle.dumps(v, 2)[2:-1] for v in (offset, size, stride))
        + b"\x89ccollections\nOrderedDict\n)RtR."
    )


def test_a_tensor_is_read():
    data = np.arange(4, dtype=np.float32).tobytes()
    got = read_archive(archive(tensor((2, 2), (1, 2)), s0=data), ArrayMaker())
    np.testing.assert_array_equal(got, [[0.0, 2.0], [1.0, 3.0]])


@pytest.mark.parametrize(
    "pickled",
    [
        tensor((5,), (1,)),
        tensor((4,), (1,), offset=1),
        tensor((2,), (4,)),
        tensor((2, 2), (2**61, 2**61)),
        tensor((-1,), (1,)),
        tensor((4,), (-1,), offset=3),
        tensor((4,), (1, 1)),
        tensor((2**40, 2**40), (0, 0)),
        tensor((1,) * 65, (1,) * 65),
        tensor((True,), (1,)),
        tensor((4,), (1,), count=5),
        tensor((4,), (1,), count=2**62),
        tensor((4,), (1,), count=-1),
        tensor((4,), (1,), kind="Double"),
        tensor((4,), (1,), key="1"),
        tensor((4,), (1,), key="../data.pkl"),
    ],
)
def test_a_tensor_outside_of_its_storage_is_refused(pickled):
    with pytest.raises(FileFormatError, match=r"^file: "):
        read_archive(archive(pickled, s0=bytes(16)), ArrayMaker())


def test_an_unknown_storage_type_is_named():
    with pytest.raises(UnsafeFileError, match="torch.QInt8Storage"):
        read_archive(
            archive(tensor((4,), (1,), kind="QInt8"), s0=bytes(16)), ArrayMaker()
        )


@pytest.mark.parametrize("made_by", ["_rebuild_tensor_v2", "_rebuild_parameter"])
def test_a_tensor_with_attributes_of_python_comes_without_them(made_by):
    inner = tensor((4,), (1,))
    head = b"ctorch._utils\n_rebuild_tensor_v2\n"
    arguments = inner.partition(head)[2][:-2]
    if made_by == "_rebuild_parameter":
        arguments = b"(" + head + arguments + b"R\x88ccollections\nOrderedDict\n)Rt"
    pickled = (
        b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n("
        + f"ctorch._utils\n{made_by}\n".encode()
        + b"ctorch.nn.parameter\nParameter\n"
        + arguments
        + b"}X\x03\x00\x00\x00tagK\x01stR."
    )
    got = read_archive(archive(pickled, s0=bytes(16)), ArrayMaker())
    assert got.tolist() == [0.0] * 4
    wrong = pickled.replace(
        f"_utils\n{made_by}".encode(), b"_tensor\n_rebuild_from_type_v2", 1
    )
    with pytest.raises(FileFormatError, match="a tensor is made by"):
        read_archive(archive(wrong, s0=bytes(16)), ArrayMaker())
