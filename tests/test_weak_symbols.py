"""Weak symbols without an instruction set are found in what nm prints."""

from __future__ import annotations

from tools import weak_symbols

LISTING = """
0000000000000000 t lampas::avx2::(anonymous namespace)::turn(void const*)
0000000000000000 W lampas::unary_avx2::{lambda(void const*)#1}::_FUN(void const*)
0000000000000000 W lampas::avx2::tile_of<float>(long, float const*)
0000000000000000 W std::vector<int>::push_back(int const&)
0000000000000010 u lampas::baseline::table
0000000000000020 V lampas::unary_avx512
                 w __gmon_start__
                 U memcpy
0000000000000000 R lampas::unary_avx2
"""


def test_what_names_no_set_or_another_is_told():
    assert weak_symbols.strangers(LISTING, "avx2") == [
        "lampas::baseline::table",
        "lampas::unary_avx512",
        "std::vector<int>::push_back(int const&)",
    ]


def test_a_folder_without_objects_has_nothing_wrong(tmp_path, capsys):
    assert weak_symbols.main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("0 object files")
