"""One number per character, of the characters that a text has."""

from __future__ import annotations

from collections.abc import Iterable

from lampas.errors import ArgumentError, BoundsError

__all__ = ["CharTokenizer"]


class CharTokenizer:
    """Turn text into the numbers of its characters.

    Args:
        characters: the vocabulary; a character's number is its place in it.

    Raises:
        ArgumentError: a character stands in the vocabulary twice.

    >>> tokenizer = CharTokenizer.train("banana")
    >>> tokenizer.characters
    'abn'
    >>> tokenizer.encode("nab")
    [2, 0, 1]
    """

    def __init__(self, characters: str) -> None:
        self.characters = characters
        self._number = {char: number for number, char in enumerate(characters)}
        if len(self._number) != len(characters):
            twice = next(char for char in characters if characters.count(char) > 1)
            raise ArgumentError(f"CharTokenizer: characters has {twice!r} twice")

    @classmethod
    def train(cls, text: str) -> CharTokenizer:
        """Return the tokenizer of the characters of ``text``, in the order of code."""
        return cls("".join(sorted(set(text))))

    @property
    def vocab_size(self) -> int:
        """How many characters there are."""
        return len(self.characters)

    def encode(self, text: str) -> list[int]:
        """Return one number per character.

        Raises:
            ArgumentError: the vocabulary lacks a character; the text names it.
        """
        try:
            return [self._number[char] for char in text]
        except KeyError as error:
            char = error.args[0]
            raise ArgumentError(
                f"encode: text[{text.index(char)}] is {char!r}, which is not among the "
                f"{self.vocab_size} characters of the vocabulary"
            ) from None

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of some numbers.

        Raises:
            BoundsError: a number is not in the vocabulary.
        """
        numbers = [int(number) for number in ids]
        for position, number in enumerate(numbers):
            if not 0 <= number < self.vocab_size:
                raise BoundsError(
                    f"decode: ids[{position}] is {number}, "
                    f"expected 0 to {self.vocab_size - 1}"
                )
        return "".join(self.characters[number] for number in numbers)
