"""Event files, read by a decoder of the test's own.

Check sums are compared with the vectors of RFC 3720 (appendix B.4); field numbers are
those of TensorBoard's published messages, written out here a second time as literals.
"""

from __future__ import annotations

import importlib
import io
import struct
import subprocess
import sys
import time
import wave
import zlib

import numpy as np
import pytest

import lampas
from lampas.utils.tensorboard import SummaryWriter
from lampas.utils.tensorboard._crc import crc32c
from lampas.utils.tensorboard._wire import data, double, integer, single

READ_COMMAND = bytes.fromhex(
    "01c0000000000000000000000000000014000000000004000000001400000018"
    "280000000000000002000000000000 00".replace(" ", "")
)


# ---- an independent reader


def bitwise_crc(body):
    crc = 0xFFFFFFFF
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def check(body, stored):
    crc = bitwise_crc(body)
    rotated = ((crc >> 15) | (crc << 17)) & 0xFFFFFFFF
    assert struct.unpack("<I", stored)[0] == (rotated + 0xA282EAD8) % 2**32


def number(stream):
    value = shift = 0
    while True:
        (byte,) = stream.read(1)
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value


def decode(body):
    """Fields of a message: number -> list of values."""
    stream, fields = io.BytesIO(body), {}
    while stream.tell() < len(body):
        key = number(stream)
        if key & 7 == 0:
            value = number(stream)
        elif key & 7 == 1:
            (value,) = struct.unpack("<d", stream.read(8))
        elif key & 7 == 5:
            (value,) = struct.unpack("<f", stream.read(4))
        else:
            assert key & 7 == 2
            value = stream.read(number(stream))
        fields.setdefault(key >> 3, []).append(value)
    return fields


def events(folder):
    found = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        stream = io.BytesIO(path.read_bytes())
        while head := stream.read(8):
            check(head, stream.read(4))
            body = stream.read(struct.unpack("<Q", head)[0])
            check(body, stream.read(4))
            found.append(decode(body))
    return found


def values(folder):
    """Of each summary: tag, step, fields of the value."""
    found = []
    for event in events(folder):
        for summary in event.get(5, []):
            (value,) = decode(summary)[1]
            fields = decode(value)
            found.append((fields[1][0].decode(), event.get(2, [None])[0], fields))
    return found


def only(folder):
    (found,) = values(folder)
    return found[2]


def plugin(fields):
    about = decode(decode(fields[9][0])[1][0])
    return about[1][0].decode(), about.get(2, [b""])[0]


def read_png(body):
    assert body[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, place = {}, 8
    while place < len(body):
        (size,) = struct.unpack(">I", body[place : place + 4])
        kind = body[place + 4 : place + 8]
        chunks[kind] = body[place + 8 : place + 8 + size]
        (check_sum,) = struct.unpack(">I", body[place + 8 + size : place + 12 + size])
        assert check_sum == zlib.crc32(kind + chunks[kind])
        place += 12 + size
    width, height, bits, colour = struct.unpack(">IIBB3x", chunks[b"IHDR"])
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8)
    rows = rows.reshape(height, 1 + width * channels)
    assert bits == 8
    assert (rows[:, 0] == 0).all()
    return rows[:, 1:].reshape(height, width, channels)


def picture(folder):
    about = decode(only(folder)[4][0])
    pixels = read_png(about[4][0])
    assert pixels.shape == (about[1][0], about[2][0], about[3][0])
    return pixels


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


@pytest.fixture
def writer(folder):
    with SummaryWriter(folder) as opened:
        yield opened


# ---- bytes


@pytest.mark.parametrize(
    ("body", "crc"),
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (READ_COMMAND, 0xD9963A56),
        (b"", 0),
    ],
)
def test_published_check_sums(body, crc):
    assert crc32c(body) == crc


@pytest.mark.parametrize("size", [1023, 1024, 1025, 4096, 5000, 70001])
def test_check_sums_of_long_data(size):
    body = np.random.default_rng(size).bytes(size)
    assert crc32c(body) == bitwise_crc(body)


def test_fields_on_the_wire():
    # From the description of the encoding: field 1 = 150, field 2 = "testing".
    assert integer(1, 150) == b"\x08\x96\x01"
    assert data(2, "testing") == b"\x12\x07testing"
    assert integer(2, -1) == b"\x10" + b"\xff" * 9 + b"\x01"
    assert double(1, 1.0) == b"\x09\x00\x00\x00\x00\x00\x00\xf0\x3f"
    assert single(2, 1.0) == b"\x15\x00\x00\x80\x3f"
    assert single(2, -1e300) == b"\x15\x00\x00\x80\xff"


# ---- files


def test_a_file_begins_with_its_version_and_holds_scalars(writer, folder):
    before = time.time()
    writer.add_scalar("loss/train", lampas.tensor([0.5]), 7)
    writer.add_scalar("loss/train", 1, 8, walltime=12.5)
    first, second, third = events(folder)
    assert first[3] == [b"brain.Event:2"]
    assert before - 60 < second[1][0] < time.time() + 1
    assert third[1] == [12.5]
    assert [(tag, step, v[2]) for tag, step, v in values(folder)] == [
        ("loss/train", 7, [0.5]),
        ("loss/train", 8, [1.0]),
    ]


def test_scalars_as_tensors(writer, folder):
    writer.add_scalar("a", 0.1, 1, new_style=True, double_precision=True)
    writer.add_scalar("a", 0.5, 2, new_style=True)
    wide, narrow = (v for _, _, v in values(folder))
    assert plugin(wide)[0] == "scalars"
    tensor = decode(wide[8][0])
    assert tensor[1] == [2]
    assert struct.unpack("<d", tensor[6][0]) == (0.1,)
    tensor = decode(narrow[8][0])
    assert tensor[1] == [1]
    assert struct.unpack("<f", tensor[5][0]) == (0.5,)


def test_entries_are_there_before_the_file_is_closed(writer, folder):
    for step in range(50):
        writer.add_scalar("x", step, step)
    assert len(values(folder)) == 50
    writer.flush()


def test_a_killed_program_leaves_whole_records(folder):
    program = (
        "import os, sys; from lampas.utils.tensorboard import SummaryWriter\n"
        "w = SummaryWriter(sys.argv[1])\n"
        "for i in range(20): w.add_scalar('x', i, i)\n"
        "os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(folder)], check=False)
    assert done.returncode == 9
    assert [step for _, step, _ in values(folder)] == [*range(20)]


def test_going_on_in_the_same_folder(folder):
    for start in (0, 3):
        with SummaryWriter(folder, purge_step=start or None) as writer:
            writer.add_scalar("x", 0.0, start)
    started = [e for e in events(folder) if 7 in e]
    assert [e[2] for e in started] == [[3]]
    assert decode(started[0][7][0]) == {1: [1]}
    assert len(list(folder.iterdir())) == 2


def test_a_closed_writer_goes_on_in_a_new_file(folder):
    writer = SummaryWriter(str(folder), filename_suffix=".log")
    writer.add_scalar("x", 1.0)
    writer.close()
    writer.add_scalar("x", 2.0)
    writer.close()
    assert [v[2][0] for _, _, v in values(folder)] == [1.0, 2.0]
    assert all(path.name.endswith(".log") for path in folder.iterdir())
    assert writer.get_logdir() == str(folder)


def test_the_usual_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with SummaryWriter(comment="_lr0.1"):
        (run,) = (tmp_path / "runs").iterdir()
    assert run.name.endswith("_lr0.1")


def test_several_curves_are_several_runs(writer, folder):
    writer.add_scalars("losses/both", {"train": 1.0, "test": 2.0}, 3)
    for name, value in {"train": 1.0, "test": 2.0}.items():
        ((tag, step, fields),) = values(
            folder.with_name(folder.name) / f"losses_both_{name}"
        )
        assert (tag, step, fields[2]) == ("losses/both", 3, [value])


# ---- histograms and curves


def test_a_histogram_counts_every_value(writer, folder):
    numbers = lampas.randn(1000, generator=lampas.Generator().manual_seed(0))
    writer.add_histogram("w", numbers, 2)
    about = decode(only(folder)[5][0])
    limits, counts = (np.frombuffer(about[k][0], "<f8") for k in (6, 7))
    exact = numbers.double().numpy()
    moments = [exact.min(), exact.max(), 1000, exact.sum(), (exact**2).sum()]
    np.testing.assert_allclose([about[k][0] for k in range(1, 6)], moments, rtol=1e-12)
    assert counts[0] == 0
    np.testing.assert_array_equal(
        np.cumsum(counts), [(exact < limit).sum() for limit in limits]
    )
    # Neighbouring limits of one sign are 10 % apart.
    positive = limits[limits > 1e-9]
    np.testing.assert_allclose(positive[1:] / positive[:-1], 1.1)


def test_histograms_of_few_bins(writer, folder):
    writer.add_histogram("h", [0.0, 1.0, 2.0, 3.0], bins=4, max_bins=2)
    about = decode(only(folder)[5][0])
    assert struct.unpack("<3d", about[6][0]) == (0.0, 1.5, 3.0)
    assert struct.unpack("<3d", about[7][0]) == (0.0, 2.0, 2.0)


def test_values_that_are_not_finite_are_not_counted(writer, folder):
    writer.add_histogram("h", [1.0, float("nan"), float("inf")])
    assert decode(only(folder)[5][0])[3] == [1.0]
    with pytest.raises(ValueError, match="finite"):
        writer.add_histogram("h", [float("nan")])


def test_a_histogram_counted_before(writer, folder):
    writer.add_histogram_raw("h", 0, 1, 3, 1.5, 2, [0.5, 1.0], [1, 2])
    about = decode(only(folder)[5][0])
    assert [about[k][0] for k in range(1, 6)] == [0, 1, 3, 1.5, 2]
    assert struct.unpack("<2d", about[7][0]) == (1, 2)
    with pytest.raises(ValueError, match="one length"):
        writer.add_histogram_raw("h", 0, 1, 3, 1.5, 2, [0.5], [1, 2])


def test_a_curve_of_precision_and_recall(writer, folder):
    rng = np.random.default_rng(3)
    labels, scores = rng.random(200) < 0.4, rng.random(200)
    writer.add_pr_curve("pr", lampas.tensor(labels), scores, 0, num_thresholds=11)
    fields = only(folder)
    assert plugin(fields) == ("pr_curves", b"\x10\x0b")
    rows = np.frombuffer(decode(fields[8][0])[5][0], "<f4").reshape(6, 11)
    for i in range(11):
        chosen = scores * 10 >= i
        hits, false = (chosen & labels).sum(), (chosen & ~labels).sum()
        missed = (~chosen & labels).sum()
        counts = [hits, false, (~chosen & ~labels).sum(), missed]
        parts = [hits / max(hits + false, 1), hits / (hits + missed)]
        np.testing.assert_allclose(rows[:, i], [*counts, *parts], rtol=1e-6)
    with pytest.raises(RuntimeError, match="as many"):
        writer.add_pr_curve("pr", [1, 0], [0.5])


# ---- pictures, sounds, texts


@pytest.mark.parametrize("order", ["CHW", "HWC", "WCH"])
def test_a_picture_in_any_order(writer, folder, order):
    image = np.random.default_rng(0).random((3, 4, 5))
    turned = image.transpose(["CHW".index(letter) for letter in order])
    writer.add_image("i", turned, 0, dataformats=order)
    expected = np.floor(image.astype(np.float32) * 255).transpose(1, 2, 0)
    np.testing.assert_array_equal(picture(folder), expected)


def test_grey_pictures_and_bytes(writer, folder):
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
    writer.add_image("i", lampas.tensor(grey), dataformats="HW")
    np.testing.assert_array_equal(picture(folder), np.stack([grey] * 3, -1))


def test_values_outside_of_the_unit_interval_are_cut(writer, folder):
    writer.add_image("i", np.array([[[-1.0, 2.0]]] * 3))
    assert picture(folder).tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_a_batch_stands_in_rows_of_eight(writer, folder):
    batch = (
        np.zeros((10, 3, 2, 2), np.uint8)
        + np.arange(1, 11, dtype=np.uint8)[:, None, None, None]
    )
    writer.add_images("i", batch)
    pixels = picture(folder)
    assert pixels.shape == (4, 16, 3)
    assert pixels[::2, ::2, 0].tolist() == [[*range(1, 9)], [9, 10, 0, 0, 0, 0, 0, 0]]


@pytest.mark.parametrize("order", ["CH", "HWW", "XYZ", ""])
def test_orders_that_make_no_sense(writer, order):
    with pytest.raises(ValueError, match="dataformats"):
        writer.add_image("i", np.zeros((3, 2, 2)), dataformats=order)


def test_shapes_that_do_not_fit_their_order(writer, folder):
    with pytest.raises(RuntimeError, match="3 dimensions"):
        writer.add_image("i", np.zeros((2, 2)))
    with pytest.raises(RuntimeError, match="1 to 4 channels"):
        writer.add_image("i", np.zeros((5, 2, 2)))
    assert values(folder) == []


def test_a_figure(writer, folder):
    figures = importlib.import_module("matplotlib.figure")
    figure = figures.Figure(figsize=(1, 0.5), dpi=80, facecolor=(1, 0, 0))
    writer.add_figure("f", figure)
    pixels = picture(folder)
    assert pixels.shape == (40, 80, 4)
    assert pixels[0, 0].tolist() == [255, 0, 0, 255]


def test_a_sound(writer, folder):
    samples = np.linspace(-1, 1, 9, dtype=np.float32)
    writer.add_audio("s", lampas.tensor(samples[None]), 1, sample_rate=8000)
    about = decode(only(folder)[6][0])
    assert (about[1], about[2], about[3]) == ([8000.0], [1], [9])
    assert about[5] == [b"audio/wav"]
    with wave.open(io.BytesIO(about[4][0])) as file:
        assert (file.getframerate(), file.getnchannels()) == (8000, 1)
        frames = np.frombuffer(file.readframes(9), "<i2")
    np.testing.assert_array_equal(frames, np.trunc(samples.astype(float) * 32767))
    with pytest.warns(UserWarning, match="cuts"):
        writer.add_audio("s", [2.0, 0.0])
    with pytest.raises(RuntimeError, match="one channel"):
        writer.add_audio("s", np.zeros((2, 5)))


def test_a_text(writer, folder):
    writer.add_text("notes", "*Grüße*", 4)
    ((tag, step, fields),) = values(folder)
    assert (tag, step, plugin(fields)[0]) == ("notes/text_summary", 4, "text")
    tensor = decode(fields[8][0])
    assert (tensor[1], tensor[8]) == ([7], ["*Grüße*".encode()])


# ---- whole runs


def test_settings_and_scores(writer, folder):
    settings = {"lr": 0.5, "name": "sgd", "nesterov": True, "none": None}
    domains = {"name": ["sgd", "adam"]}
    writer.add_hparams(settings, {"accuracy": 0.75}, domains, run_name="r")
    run = values(folder / "r")
    assert [tag for tag, _, _ in run] == [
        "_hparams_/experiment",
        "_hparams_/session_start_info",
        "_hparams_/session_end_info",
        "accuracy",
    ]
    assert run[3][2][2] == [0.75]
    experiment = decode(decode(plugin(run[0][2])[1])[2][0])
    infos = [decode(info) for info in experiment[4]]
    assert [(i[1][0], i[4][0]) for i in infos] == [
        (b"lr", 3),
        (b"name", 1),
        (b"nesterov", 2),
    ]
    choices = [decode(v)[3][0] for v in decode(infos[1][5][0])[1]]
    assert choices == [b"sgd", b"adam"]
    assert decode(decode(experiment[5][0])[1][0])[2] == [b"accuracy"]
    start = decode(decode(plugin(run[1][2])[1])[3][0])
    pairs = {decode(p)[1][0]: decode(decode(p)[2][0]) for p in start[1]}
    assert pairs == {b"lr": {2: [0.5]}, b"name": {3: [b"sgd"]}, b"nesterov": {4: [1]}}
    assert decode(decode(plugin(run[2][2])[1])[4][0]) == {1: [1]}


def test_settings_of_other_kinds_are_refused(writer, folder):
    with pytest.raises(TypeError, match="hparam_dict must be"):
        writer.add_hparams([1], {})
    with pytest.raises(TypeError, match="'x'"):
        writer.add_hparams({"x": [1]}, {})
    with pytest.raises(ValueError, match="kind"):
        writer.add_hparams({"x": 1}, {}, {"x": ["a"]})
    assert [path.name for path in folder.iterdir() if path.is_dir()] == []


def test_vectors_for_the_projector(writer, folder):
    vectors = lampas.tensor([[0.5, 1.0], [2.0, 3.0], [4.0, 5.0]])
    pictures = np.zeros((3, 3, 2, 2), np.uint8)
    pictures[2] = 9
    writer.add_embedding(vectors, ["a", "b", "c"], pictures, 2, tag="x/y")
    home = folder / "00002" / "x%2Fy"
    assert (home / "tensors.tsv").read_text() == "0.5\t1.0\n2.0\t3.0\n4.0\t5.0\n"
    assert (home / "metadata.tsv").read_text() == "a\nb\nc\n"
    sprite = read_png((home / "sprite.png").read_bytes())
    assert sprite[::2, ::2, 0].tolist() == [[0, 0], [9, 0]]
    config = (folder / "projector_config.pbtxt").read_text()
    assert 'tensor_name: "x/y:00002"' in config
    assert 'metadata_path: "00002/x%2Fy/metadata.tsv"' in config
    writer.add_embedding(vectors, [("a", 1)] * 3, metadata_header=["l", "n"])
    assert (
        folder / "00000/default/metadata.tsv"
    ).read_text() == "l\tn\n" + "a\t1\n" * 3
    assert (folder / "projector_config.pbtxt").read_text().startswith(config)


def test_labels_that_are_not_enough(writer, folder):
    with pytest.raises(RuntimeError, match="metadata must have one entry"):
        writer.add_embedding(np.zeros((3, 2)), ["a"])
    with pytest.raises(RuntimeError, match="2 dimensions"):
        writer.add_embedding(np.zeros(3))
    assert not (folder / "projector_config.pbtxt").exists()


def test_scalars_have_one_element(writer, folder):
    with pytest.raises(RuntimeError, match="one element"):
        writer.add_scalar("x", lampas.ones(2))
    with pytest.raises(TypeError, match="number"):
        writer.add_scalar("x", "text")
    assert values(folder) == []
