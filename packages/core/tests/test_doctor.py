"""Five broken machines, five causes, five remedies."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lampas import doctor

WELL = doctor.Machine(
    lampas="0.1.0",
    python="3.11.7",
    numpy="2.3.0",
    system="Linux x86_64",
    blas="scipy-openblas 0.3.29",
    cores=2,
    native=True,
    data=None,
    driver=(13, 0),
    cupys=("cupy-cuda13x",),
    nvrtc=True,
)

BROKEN = {
    "no driver": (
        replace(WELL, driver=None),
        "no NVIDIA driver was found",
        "install the NVIDIA driver; without a GPU nothing is to do",
    ),
    "old driver": (
        replace(WELL, driver=(11, 4)),
        "the driver speaks CUDA 11.4, cupy-cuda13x needs CUDA 13.0",
        "update the NVIDIA driver",
    ),
    "no cupy": (
        replace(WELL, cupys=(), driver=(12, 4)),
        "CuPy is not installed",
        "pip install 'lampas[cuda12]'",
    ),
    "two cupys": (
        replace(WELL, cupys=("cupy-cuda12x", "cupy-cuda13x")),
        "cupy-cuda12x and cupy-cuda13x are both installed and overwrite each other",
        "pip uninstall -y cupy-cuda12x cupy-cuda13x && pip install 'lampas[cuda13]'",
    ),
    "missing nvrtc": (
        replace(WELL, nvrtc=False),
        "the CUDA compiler library nvrtc was not found",
        "pip install 'cupy-cuda13x[ctk]'",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_machine_has_one_cause_and_one_remedy(name: str) -> None:
    machine, cause, remedy = BROKEN[name]
    finding = doctor.gpu_cause(machine)
    assert (finding.found, finding.text, finding.remedy) == (False, cause, remedy)
    assert "\n" not in finding.text


def test_the_five_causes_differ() -> None:
    assert len({doctor.gpu_cause(machine).text for machine, *_ in BROKEN.values()}) == 5


def test_a_well_machine_has_a_gpu() -> None:
    assert doctor.gpu_cause(WELL).found


def test_a_driver_between_two_wheels_is_told_the_older_one() -> None:
    finding = doctor.gpu_cause(replace(WELL, driver=(12, 8)))
    assert finding.remedy.endswith("pip install 'lampas[cuda12]'")


def test_a_data_folder_that_is_not_there(tmp_path: Path) -> None:
    machine = replace(WELL, data=tmp_path / "absent")
    finding = {f.name: f for f in doctor.diagnose(machine)}["data"]
    assert not finding.found
    assert str(tmp_path / "absent") in finding.text


def test_report_of_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    doctor.show_config()
    text = capsys.readouterr().out
    for name in ("lampas", "python", "numpy", "threads", "kernels", "data", "gpu"):
        assert f" {name} " in text
    assert "cupy" not in sys.modules
