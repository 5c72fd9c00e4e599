"""Reading and writing sound files: bit for bit, and what is wrong is said."""

from __future__ import annotations

import io
import struct
import wave

import numpy as np
import pytest

import lampas
import lampas_audio

RNG = np.random.default_rng(0)


def noise(dtype, channels: int = 2) -> lampas.Tensor:
    limits = np.iinfo(dtype)
    shape = (channels, 1000)
    values = RNG.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    values[:, :2] = limits.min, limits.max
    return lampas.from_numpy(values)


@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_int16_comes_back_bit_for_bit(tmp_path, ending):
    sound, path = noise(np.int16), tmp_path / f"a.{ending}"
    lampas_audio.save(path, sound, 8000)
    back, rate = lampas_audio.load(path, normalize=False)
    assert rate == 8000 and back.dtype is lampas.int16
    assert np.array_equal(back.numpy(), sound.numpy())
    floats, _ = lampas_audio.load(path)
    expected = sound.numpy().astype(np.float64) / 32768
    assert np.array_equal(floats.numpy(), expected.astype(np.float32))
    lampas_audio.save(path, floats, 8000, bits_per_sample=16)
    again, _ = lampas_audio.load(path, normalize=False)
    assert np.array_equal(again.numpy(), sound.numpy())


@pytest.mark.parametrize("bits", [8, 24, 32])
def test_other_widths_of_wav(tmp_path, bits):
    dtype = {8: np.uint8, 24: np.int32, 32: np.int32}[bits]
    sound, path = noise(dtype), tmp_path / "a.wav"
    if bits == 24:
        sound = lampas.from_numpy(sound.numpy() >> 8 << 8)
    lampas_audio.save(path, sound, 8000, bits_per_sample=bits)
    back, _ = lampas_audio.load(path, normalize=False)
    assert np.array_equal(back.numpy(), sound.numpy())
    assert lampas_audio.info(path).bits_per_sample == bits


def test_flac_of_24_bits(tmp_path):
    sound = lampas.from_numpy(noise(np.int32).numpy() >> 8 << 8)
    lampas_audio.save(tmp_path / "a.flac", sound, 8000, bits_per_sample=24)
    back, _ = lampas_audio.load(tmp_path / "a.flac", normalize=False)
    assert np.array_equal(back.numpy(), sound.numpy())


def test_float_wav_keeps_floats(tmp_path):
    sound = lampas.from_numpy(RNG.standard_normal((1, 500)).astype(np.float32))
    lampas_audio.save(tmp_path / "a.wav", sound, 16000)
    back, _ = lampas_audio.load(tmp_path / "a.wav")
    assert np.array_equal(back.numpy(), sound.numpy())
    assert lampas_audio.info(tmp_path / "a.wav").encoding == "PCM_F"


@pytest.mark.parametrize(("ending", "encoding"), [("ogg", "VORBIS"), ("mp3", "MP3")])
def test_compressed_formats_come_near(tmp_path, ending, encoding):
    time = np.arange(16000) / 16000
    tone = (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)[None]
    lampas_audio.save(tmp_path / f"a.{ending}", lampas.from_numpy(tone), 16000)
    back, rate = lampas_audio.load(tmp_path / f"a.{ending}")
    assert rate == 16000
    assert lampas_audio.info(tmp_path / f"a.{ending}").encoding == encoding
    power = np.abs(np.fft.rfft(back.numpy()[0, :16000]))
    assert abs(int(power.argmax()) - 440) <= 1


def test_reads_what_the_standard_library_writes(tmp_path):
    values = RNG.integers(-5000, 5000, (300, 2), np.int16)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((2, 2, 22050, 0, "NONE", ""))
        file.writeframes(values.tobytes())
    assert lampas_audio.info(tmp_path / "a.wav") == lampas_audio.AudioMetaData(
        22050, 300, 2, 16, "PCM_S"
    )
    part, _ = lampas_audio.load(
        tmp_path / "a.wav", 10, 20, normalize=False, channels_first=False
    )
    assert np.array_equal(part.numpy(), values[10:30])
    past, _ = lampas_audio.load(tmp_path / "a.wav", frame_offset=400)
    assert past.shape == (2, 0)


def test_open_files(tmp_path):
    memory, sound = io.BytesIO(), noise(np.int16)
    lampas_audio.save(memory, sound, 8000, format="wav")
    memory.seek(0)
    back, _ = lampas_audio.load(memory, normalize=False)
    assert np.array_equal(back.numpy(), sound.numpy())


def test_a_cut_wav_is_an_error(tmp_path):
    path = tmp_path / "a.wav"
    lampas_audio.save(path, noise(np.int16, 1), 8000)
    path.write_bytes(path.read_bytes()[:-700])
    with pytest.raises(RuntimeError, match=r"promises 1000 frames, but only 650"):
        lampas_audio.load(path)
    assert lampas_audio.load(path, num_frames=600)[0].shape == (1, 600)


def test_a_cut_flac_is_an_error(tmp_path):
    path = tmp_path / "a.flac"
    lampas_audio.save(path, lampas.from_numpy(RNG.integers(-9, 9, (1, 50000), "i2")), 8)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(RuntimeError, match=r"a\.flac"):
        lampas_audio.load(path)


def test_what_is_wrong_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.wav"):
        lampas_audio.load(tmp_path / "missing.wav")
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(RuntimeError, match=r"text\.wav"):
        lampas_audio.info(tmp_path / "text.wav")
    lampas_audio.save(tmp_path / "a.wav", noise(np.int16), 8000)
    with pytest.raises(ValueError, match="got -1 and -1"):
        lampas_audio.load(tmp_path / "a.wav", -1)


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.wav"
    lampas_audio.save(path, noise(np.int16), 8000)
    before = path.read_bytes()
    for tensor, error in (
        (lampas.zeros(3), RuntimeError),
        (lampas.zeros(1, 3, dtype=lampas.int64), TypeError),
        (lampas.zeros(2000, 3), RuntimeError),
    ):
        with pytest.raises(error, match="save"):
            lampas_audio.save(path, tensor, 8000)
    with pytest.raises(ValueError, match="no ending"):
        lampas_audio.save(tmp_path / "a", noise(np.int16), 8000)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.wav"]


def test_a_header_that_lies_does_not_take_memory(tmp_path):
    path = tmp_path / "a.wav"
    lampas_audio.save(path, noise(np.int16, 1), 8000)
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = struct.pack("<I", 0x7FFFFFFE)
    path.write_bytes(content)
    with pytest.raises(RuntimeError, match="promises 1073741823 frames, but only 1000"):
        lampas_audio.load(path)
