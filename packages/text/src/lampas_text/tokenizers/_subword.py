"""Byte-pair encoding and published ``tokenizer.json`` files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from lampas.errors import ArgumentError, FileFormatError

__all__ = ["SubwordTokenizer"]


class SubwordTokenizer:
    """A tokenizer of the ``tokenizers`` library.

    Args:
        inner: that library's object; :meth:`train` and :meth:`load` make one.

    Attributes:
        inner: the object, for all that this class does not wrap.

    >>> tokenizer = SubwordTokenizer.train(["low lower lowest"] * 9, vocab_size=262)
    >>> tokenizer.decode(tokenizer.encode("low"))
    'low'
    """

    def __init__(self, inner: Tokenizer) -> None:
        self.inner = inner

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int,
        special_tokens: Sequence[str] = (),
    ) -> SubwordTokenizer:
        """Learn a byte-level BPE, which encodes any text.

        Args:
            texts: the texts to learn from.
            vocab_size: how many tokens at most; at least 256 plus the special ones.
            special_tokens: tokens that are never split; they get the first numbers.

        Raises:
            ArgumentError: ``vocab_size`` is too small.
        """
        least = 256 + len(special_tokens)
        if vocab_size < least:
            raise ArgumentError(
                f"train: vocab_size must be at least {least} (256 bytes and "
                f"{len(special_tokens)} special tokens), got {vocab_size}"
            )
        inner = Tokenizer(models.BPE())
        inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        inner.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=list(special_tokens),
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        inner.train_from_iterator(texts, trainer)
        return cls(inner)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SubwordTokenizer:
        """Read a ``tokenizer.json``, or the one in a folder.

        Raises:
            FileNotFoundError: there is no such file.
            FileFormatError: the file is no tokenizer.
        """
        file = Path(path)
        if file.is_dir():
            file = file / "tokenizer.json"
        text = file.read_text(encoding="utf-8")
        try:
            return cls(Tokenizer.from_str(text))
        # the library raises bare Exception for a file it cannot read
        except Exception as error:  # noqa: BLE001
            raise FileFormatError(f"{file} is no tokenizer: {error}") from None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a ``tokenizer.json``."""
        self.inner.save(os.fspath(path))

    @property
    def vocab_size(self) -> int:
        """How many tokens there are, special ones included."""
        return self.inner.get_vocab_size(with_added_tokens=True)

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        """Return the numbers of the tokens of ``text``."""
        return self.inner.encode(text, add_special_tokens=add_special_tokens).ids

    def offsets(
        self, text: str, add_special_tokens: bool = True
    ) -> list[tuple[int, int]]:
        """Return where each token of ``text`` starts and ends, in characters."""
        encoded = self.inner.encode(text, add_special_tokens=add_special_tokens)
        return encoded.offsets

    def decode(self, ids: Iterable[int], skip_special_tokens: bool = True) -> str:
        """Return the text of some tokens."""
        numbers = [int(number) for number in ids]
        return self.inner.decode(numbers, skip_special_tokens=skip_special_tokens)
