"""Tokenizers: numbers, text again, and what they refuse."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampas.errors import ArgumentError, BoundsError, FileFormatError
from lampas_text.tokenizers import ByteTokenizer, CharTokenizer, SubwordTokenizer

TEXTS = ["the cat sat on the mat", "the dog sat on the log", "a cat and a dog"] * 8


@given(st.text())
def test_bytes_round_trip(text):
    tokenizer = ByteTokenizer()
    ids = tokenizer.encode(text)
    assert ids == list(text.encode())
    assert tokenizer.decode(ids) == text


@given(st.text(min_size=1))
def test_characters_round_trip(text):
    tokenizer = CharTokenizer.train(text)
    ids = tokenizer.encode(text)
    assert [tokenizer.characters[number] for number in ids] == list(text)
    assert tokenizer.decode(ids) == text


def test_vocabulary_is_sorted_and_has_no_doubles():
    tokenizer = CharTokenizer.train("banana bread")
    assert tokenizer.characters == " abdenr"
    assert tokenizer.vocab_size == 7
    with pytest.raises(ArgumentError, match="has 'a' twice"):
        CharTokenizer("aba")


def test_a_strange_character_is_named_with_its_place():
    with pytest.raises(ArgumentError, match=r"text\[2\] is '!', .* 3 characters"):
        CharTokenizer("abc").encode("ab!")


@pytest.mark.parametrize("tokenizer", [ByteTokenizer(), CharTokenizer("abc")])
@pytest.mark.parametrize("number", [-1, 256])
def test_a_number_outside_is_named_with_its_place(tokenizer, number):
    with pytest.raises(BoundsError, match=rf"ids\[1\] is {number}"):
        tokenizer.decode([0, number])


def test_cut_utf8_becomes_the_replacement_character():
    assert ByteTokenizer().decode([0x61, 0xC3]) == "a\ufffd"


def test_bpe_learns_frequent_words_and_encodes_any_text():
    tokenizer = SubwordTokenizer.train(TEXTS, 270, special_tokens=["<end>"])
    assert tokenizer.vocab_size == 270
    ids = tokenizer.encode("the cat")
    assert len(ids) < len("the cat")
    assert tokenizer.decode(ids) == "the cat"
    assert tokenizer.decode(tokenizer.encode("Žluťoučký 🐈")) == "Žluťoučký 🐈"
    assert tokenizer.encode("<end>") == [0]
    assert tokenizer.decode([0]) == ""
    assert tokenizer.decode([0], skip_special_tokens=False) == "<end>"


def test_offsets_point_into_the_text():
    tokenizer = SubwordTokenizer.train(TEXTS, 270)
    offsets = tokenizer.offsets("the dog")
    assert "".join("the dog"[start:end] for start, end in offsets) == "the dog"


def test_saved_and_loaded_from_file_and_folder(tmp_path):
    tokenizer = SubwordTokenizer.train(TEXTS, 270)
    tokenizer.save(tmp_path / "tokenizer.json")
    for path in (tmp_path, tmp_path / "tokenizer.json"):
        again = SubwordTokenizer.load(path)
        assert again.encode("a cat") == tokenizer.encode("a cat")


def test_what_is_no_tokenizer_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        SubwordTokenizer.load(tmp_path / "absent.json")
    for text in ("{}", "not json", '{"model": 3}'):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(FileFormatError, match=r"bad\.json is no tokenizer"):
            SubwordTokenizer.load(tmp_path / "bad.json")


def test_too_small_a_vocabulary_is_refused():
    with pytest.raises(ArgumentError, match="at least 257 .* got 256"):
        SubwordTokenizer.train(TEXTS, 256, special_tokens=["<end>"])


def test_importing_tokenizers_loads_no_model():
    code = (
        "import sys, lampas_text.tokenizers; "
        "print([m for m in sys.modules if m.startswith(('lampas_text.models', "
        "'lampas_text.recipes', 'lampas.nn', 'lampas.optim'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
