"""Read and write sound files: WAV, FLAC, OGG, MP3 and what else libsndfile knows.

PCM in WAV and FLAC comes and goes bit for bit. How many frames the header promises is
held against how many arrived: a file that was cut short is an error, not a short clip.
"""

from __future__ import annotations

import contextlib
import io
import os
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

import lampas
from lampas import Tensor
from lampas.errors import (
    ArgumentError,
    ArgumentTypeError,
    FileFormatError,
    LampasError,
    ShapeError,
)

__all__ = ["AudioMetaData", "SoundFileNotFoundError", "info", "load", "save"]

Source = str | os.PathLike[str] | BinaryIO


class SoundFileNotFoundError(LampasError, FileNotFoundError, RuntimeError):
    """There is no such file."""


@dataclass
class AudioMetaData:
    """What the header of a sound file says.

    Attributes:
        sample_rate: frames per second.
        num_frames: samples of one channel; 0 if the header does not say.
        num_channels: channels.
        bits_per_sample: of PCM and floats; 0 for compressed formats.
        encoding: ``PCM_S``, ``PCM_U``, ``PCM_F``, ``FLAC``, ``VORBIS``, ``MP3``, ...
    """

    sample_rate: int
    num_frames: int
    num_channels: int
    bits_per_sample: int
    encoding: str


_BITS = {
    "PCM_S8": 8,
    "PCM_U8": 8,
    "PCM_16": 16,
    "PCM_24": 24,
    "PCM_32": 32,
    "FLOAT": 32,
    "DOUBLE": 64,
    "ULAW": 8,
    "ALAW": 8,
}
_ENCODINGS = {
    "FLAC": "FLAC",
    "VORBIS": "VORBIS",
    "OPUS": "OPUS",
    "MPEG_LAYER_III": "MP3",
    "PCM_U8": "PCM_U",
    "FLOAT": "PCM_F",
    "DOUBLE": "PCM_F",
    "ULAW": "ULAW",
    "ALAW": "ALAW",
}
# How soundfile reads integers, and what the file's own type is.
_INTEGERS = {"PCM_16": "int16", "PCM_24": "int32", "PCM_32": "int32", "PCM_U8": "int16"}


@contextlib.contextmanager
def _opened(uri: Source) -> Iterator[soundfile.SoundFile]:
    if isinstance(uri, (str, os.PathLike)) and not Path(uri).is_file():
        raise SoundFileNotFoundError(f"{uri}: there is no such file")
    try:
        with soundfile.SoundFile(uri) as file:
            yield file
    except soundfile.LibsndfileError as error:
        raise FileFormatError(f"{uri}: {error.error_string}") from None


def _promised_frames(uri: Source, file: soundfile.SoundFile) -> int | None:
    """The frames that the header promises; libsndfile trims a cut WAV in silence."""
    if file.format in ("WAV", "WAVEX"):
        if isinstance(uri, (str, os.PathLike)):
            with open(uri, "rb") as stream:
                return _wav_frames(stream)
        if uri.seekable():
            place = uri.tell()
            uri.seek(0)
            frames = _wav_frames(uri)
            uri.seek(place)
            return frames
    return file.frames if file.format == "FLAC" else None


def _wav_frames(stream: BinaryIO) -> int | None:
    """Bytes of the data chunk by bytes of a frame; None where that is not known."""
    stream.seek(12)
    block = 0
    while len(head := stream.read(8)) == 8:
        name, size = struct.unpack("<4sI", head)
        if name == b"fmt ":
            form = stream.read(size)
            block = struct.unpack_from("<H", form, 12)[0] if len(form) >= 14 else 0
            stream.seek(size % 2, io.SEEK_CUR)
        elif name == b"data":
            # A writer that could not seek back leaves the largest number.
            return size // block if block and size != 0xFFFFFFFF else None
        else:
            stream.seek(size + size % 2, io.SEEK_CUR)
    return None


def info(
    uri: Source,
    format: str | None = None,
    buffer_size: int = 4096,
    backend: str | None = None,
) -> AudioMetaData:
    """Read the header of a sound file.

    Args:
        uri: a path or an open binary file.
        format, buffer_size, backend: accepted as torchaudio accepts them.

    Raises:
        FileNotFoundError: there is no such file.
        RuntimeError: it is no sound file that libsndfile knows.
    """
    with _opened(uri) as file:
        promised = _promised_frames(uri, file)
        return AudioMetaData(
            sample_rate=file.samplerate,
            num_frames=file.frames if promised is None else promised,
            num_channels=file.channels,
            bits_per_sample=_BITS.get(file.subtype, 0),
            encoding=_ENCODINGS.get(
                "FLAC" if file.format == "FLAC" else file.subtype,
                "PCM_S" if file.subtype.startswith("PCM") else file.subtype,
            ),
        )


def _native(file: soundfile.SoundFile, frames: int) -> np.ndarray:
    """Samples as the integers that are in the file; float files as floats."""
    kind = _INTEGERS.get(file.subtype, "float32")
    data = file.read(frames, kind, always_2d=True)
    if file.subtype == "PCM_U8":
        return ((data >> 8) + 128).astype(np.uint8)
    return data


def load(
    uri: Source,
    frame_offset: int = 0,
    num_frames: int = -1,
    normalize: bool = True,
    channels_first: bool = True,
    format: str | None = None,
    buffer_size: int = 4096,
    backend: str | None = None,
) -> tuple[Tensor, int]:
    """Read a sound file.

    Args:
        uri: a path or an open binary file.
        frame_offset: frames to pass over first.
        num_frames: how many to read at most; -1 reads to the end.
        normalize: give float32, integers divided to lie in [-1, 1); else integers of
            WAV and FLAC as they are in the file (24 bits in the upper ones of 32).
        channels_first: shape ``(channels, frames)``, else ``(frames, channels)``.
        format, buffer_size, backend: accepted as torchaudio accepts them.

    Returns:
        The samples and the sample rate.

    Raises:
        FileNotFoundError: there is no such file.
        RuntimeError: it is no sound file, or holds fewer frames than its header says.
        ValueError: ``frame_offset`` or ``num_frames`` make no sense.
    """
    if frame_offset < 0 or num_frames < -1 or num_frames == 0:
        raise ArgumentError(
            "load: frame_offset must be at least 0 and num_frames -1 or at least 1, "
            f"got {frame_offset} and {num_frames}"
        )
    with _opened(uri) as file:
        promised = _promised_frames(uri, file)
        known = file.frames if promised is None else promised
        file.seek(min(frame_offset, file.frames))
        if normalize:
            data = file.read(num_frames, "float32", always_2d=True)
        else:
            data = _native(file, num_frames)
        rest = max(known - frame_offset, 0)
        expected = rest if num_frames == -1 else min(rest, num_frames)
        if promised is not None and len(data) < expected:
            raise FileFormatError(
                f"{uri}: the header promises {known} frames, but only "
                f"{frame_offset + len(data)} are there: the file was cut short"
            )
        rate = file.samplerate
    array = data.T if channels_first else data
    return lampas.from_numpy(np.ascontiguousarray(array)), rate


def _subtype(
    dtype: np.dtype, format: str, encoding: str | None, bits: int | None
) -> str:
    """libsndfile's name of what torchaudio would write."""
    if format == "WAV":
        if encoding is None and bits is None:
            names = {"u1": "PCM_U8", "i2": "PCM_16", "i4": "PCM_32", "f8": "DOUBLE"}
            return names.get(dtype.str[1:], "FLOAT")
        if encoding in ("ULAW", "ALAW"):
            return encoding
        if encoding == "PCM_F":
            return "DOUBLE" if bits == 64 else "FLOAT"
        if encoding == "PCM_U" or (encoding is None and bits == 8):
            return "PCM_U8"
        return f"PCM_{bits or 16}"
    if format == "FLAC":
        return "PCM_S8" if bits == 8 else f"PCM_{bits or 16}"
    return {"OGG": "VORBIS", "MP3": "MPEG_LAYER_III"}.get(format, "PCM_16")


def _integers(array: np.ndarray, subtype: str) -> np.ndarray:
    """Samples as the integers that PCM holds; equal to what ``load`` was given."""
    if array.dtype == np.uint8:
        return (array.astype(np.int16) - 128) << 8
    if array.dtype.kind == "i":
        return array
    bits = _BITS[subtype]
    top = 2.0 ** (bits - 1)
    whole = np.clip(np.rint(array.astype(np.float64) * top), -top, top - 1)
    if bits <= 16:
        return (whole * 2.0 ** (16 - bits)).astype(np.int16)
    return (whole * 2.0 ** (32 - bits)).astype(np.int32)


def save(
    uri: Source,
    src: Tensor,
    sample_rate: int,
    channels_first: bool = True,
    format: str | None = None,
    encoding: str | None = None,
    bits_per_sample: int | None = None,
    buffer_size: int = 4096,
    backend: str | None = None,
    compression: float | None = None,
) -> None:
    """Write a sound file; a path is written whole or not at all.

    Args:
        uri: a path or an open binary file.
        src: ``(channels, frames)``; float32 or float64 in [-1, 1], int32, int16, uint8.
        sample_rate: frames per second.
        channels_first: False takes ``(frames, channels)``.
        format: ``wav``, ``flac``, ``ogg``, ``mp3``; by default the path's ending.
        encoding: of WAV: ``PCM_S``, ``PCM_U``, ``PCM_F``, ``ULAW``, ``ALAW``.
        bits_per_sample: of WAV and FLAC.
        buffer_size, backend: accepted as torchaudio accepts them.
        compression: 0 (quick, or good) to 1 (small), for FLAC, OGG and MP3.

    Raises:
        RuntimeError: ``src`` has not two dimensions, or the format cannot hold it.
        TypeError: ``src`` has another dtype.
        ValueError: no format is given and ``uri`` has no ending.
    """
    if src.ndim != 2:
        raise ShapeError(f"save: src must have two dimensions, got {tuple(src.shape)}")
    array = src.detach().cpu().numpy()
    if array.dtype.str[1:] not in ("f4", "f8", "i4", "i2", "u1"):
        raise ArgumentTypeError(
            "save: src must be float32, float64, int32, int16 or uint8, got "
            f"{src.dtype}"
        )
    path = Path(uri) if isinstance(uri, (str, os.PathLike)) else None
    kind = (format or (path.suffix[1:] if path else "")).upper()
    if not kind:
        raise ArgumentError(
            f"save: format must be given for {uri!r}, which has no ending"
        )
    subtype = _subtype(array.dtype, kind, encoding, bits_per_sample)
    if subtype.startswith("PCM"):
        array = _integers(array, subtype)
    elif array.dtype.kind in "iu":
        array = _integers(array, subtype) / np.float32(_full_scale(array.dtype))
    content = io.BytesIO()
    options = {} if compression is None else {"compression_level": compression}
    try:
        soundfile.write(
            content,
            array.T if channels_first else array,
            sample_rate,
            subtype,
            format=kind,
            **options,
        )
    except (soundfile.LibsndfileError, ValueError) as error:
        text = getattr(error, "error_string", str(error))
        raise FileFormatError(
            f"save: cannot write {kind} with {subtype} of {array.shape}: {text}"
        ) from None
    if path is not None:
        _write_whole(path, content.getvalue())
    elif not isinstance(uri, (str, os.PathLike)):
        uri.write(content.getvalue())


def _full_scale(dtype: np.dtype) -> float:
    return 2.0**31 if dtype.itemsize == 4 else 2.0**15


def _write_whole(path: Path, content: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
