"""One number per byte of UTF-8: knows every text and needs no training."""

from __future__ import annotations

from collections.abc import Iterable

from lampas.errors import BoundsError

__all__ = ["ByteTokenizer"]


class ByteTokenizer:
    """Turn text into the bytes of its UTF-8 form.

    >>> ByteTokenizer().encode("hé")
    [104, 195, 169]
    """

    vocab_size = 256

    def encode(self, text: str) -> list[int]:
        """Return the bytes of ``text`` as numbers from 0 to 255."""
        return list(text.encode("utf-8"))

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of some bytes; what is no UTF-8 becomes U+FFFD.

        Raises:
            BoundsError: a number is not from 0 to 255.

        >>> ByteTokenizer().decode([104, 195, 169])
        'hé'
        """
        numbers = [int(number) for number in ids]
        for position, number in enumerate(numbers):
            if not 0 <= number < self.vocab_size:
                raise BoundsError(
                    f"decode: ids[{position}] is {number}, expected 0 to 255"
                )
        return bytes(numbers).decode("utf-8", errors="replace")
