"""Programs that say ``import torch``, run in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """\
import importlib.metadata, importlib.util, subprocess, sys, types
import torch
import torch.nn as nn
import torch.onnx
import torch.nn.functional as F
import helper
from torch import fx
from torch.elsewhere import Thing
from torch.nn import Linear, NoSuchLayer
from torch.utils.data import DataLoader, Dataset
try:
    from torch import nothing_of_this_name
except ImportError:
    nothing_of_this_name = None

class Numbers(Dataset):
    def __len__(self):
        return 4
    def __getitem__(self, index):
        return torch.full((2,), float(index))

def refusal(function):
    try:
        function()
    except Exception as error:
        return f"{type(error).__name__}: {error}"

def main():
    print(sys.argv[1:], __name__, __file__ == sys.argv[0])
    print(sys.modules["torch"] is torch, torch.nn is nn, Linear is nn.Linear)
    print(importlib.util.find_spec("torch") is not None,
          importlib.util.find_spec("torch.nothing"),
          importlib.metadata.version("torch") == torch.__version__)
    print(torch.__version__ >= "2.1", torch.__version__ < (3, 0))
    print(hasattr(torch, "fx"), hasattr(nn, "NoSuchLayer"), nothing_of_this_name)
    print(refusal(lambda: Thing(1)))
    print(refusal(lambda: fx.symbolic_trace))
    print(refusal(lambda: types.new_class("Child", (NoSuchLayer,))))
    print(refusal(lambda: __import__("torch.nothing")))
    print(refusal(lambda: torch.nothing))
    print(refusal(lambda: torch.onnx.export(1, 2)))
    print(isinstance(1, Thing), helper.answer())
    loader = DataLoader(Numbers(), 2, num_workers=1, multiprocessing_context="spawn")
    print([batch.sum().item() for batch in loader], flush=True)
    child = "import torch; print(torch.__version__ == __import__('sys').argv[1])"
    subprocess.run([sys.executable, "-c", child, torch.__version__], check=True)
    print(torch.float32, torch.zeros(2, 3).shape, torch.ones(1).type(), torch.dtype)

if __name__ == "__main__":
    main()
"""

HELPER = """\
from torch import another_missing_name

def answer():
    return another_missing_name
"""

EXPECTED = """\
['--lr', '0.1'] __main__ True
True True True
True None True
True True
False False None
AbsentNameError: torch.elsewhere.Thing is not part of lampas; it was imported, and is \
used here
AttributeError: torch.fx is not part of lampas (lampas captures no graphs), and so has \
no 'symbolic_trace'
AbsentNameError: torch.nn.NoSuchLayer is not part of lampas; it was imported, and is \
used here
ModuleNotFoundError: No module named 'torch.nothing'
AttributeError: module 'torch' has no attribute 'nothing'
AttributeError: torch.onnx.export is not part of lampas (lampas does not write ONNX \
files)
False <torch.another_missing_name, which lampas does not have>
[2.0, 10.0]
True
torch.float32 torch.Size([2, 3]) torch.FloatTensor <class 'torch.dtype'>
"""


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run ``python`` with these words."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("way", [["lampas.compat"], ["lampas.cli", "run"]])
def test_a_program_runs_on_lampas(tmp_path: Path, way: list[str]) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "helper.py").write_text(HELPER)
    words = ["-m", *way, str(tmp_path / "program.py"), "--lr", "0.1"]
    done = run(*words, cwd=tmp_path)
    assert done.stderr == ""
    assert done.stdout == EXPECTED


def test_a_module_runs_and_its_failure_is_the_programs_own(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import torch\nraise SystemExit(torch.ones(3))"
    )
    done = run("-m", "lampas.compat", "-m", "program", cwd=tmp_path)
    assert (done.stderr, done.returncode) == ("tensor([1., 1., 1.])\n", 1)


def test_nothing_to_run_is_said(tmp_path: Path) -> None:
    done = run("-m", "lampas.compat", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: lampas run")


def test_printed_text_is_pytorchs(tmp_path: Path) -> None:
    # files/printed.txt is what files/printing_program.txt printed under PyTorch 2.13
    files = Path(__file__).parent / "files"
    program = (files / "printing_program.txt").read_text()
    (tmp_path / "program.py").write_text(program)
    done = run("-m", "lampas.compat", "program.py", cwd=tmp_path)
    assert done.stderr == ""
    assert done.stdout == (files / "printed.txt").read_text()


BORROWED = """\
import torch
import torch.distributed as dist
import torch.nn as nn
import torch.utils.model_zoo as model_zoo
from torch._utils import _flatten_dense_tensors
from torch.distributions.utils import broadcast_all
from torch.hub import load_state_dict_from_url
from torch.nn.init import _calculate_fan_in_and_fan_out
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.utils import _pair
from torch.nn.parallel import DistributedDataParallel
from torch.optim.lr_scheduler import Optimizer, _LRScheduler
from torch.serialization import add_safe_globals
from torch.utils.data._utils.collate import default_collate

class Warm(_LRScheduler):
    def get_lr(self):
        return [base * min(1, (self.last_epoch + 1) / 2) for base in self.base_lrs]

def reduced(x, op=dist.ReduceOp.SUM):
    return x

net = nn.DataParallel(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)))
print([isinstance(m, (_ConvNd, _BatchNorm)) for m in net.module])
print(_calculate_fan_in_and_fan_out(net.module[0].weight), _pair(3))
print(dist.get_rank() if dist.is_available() and dist.is_initialized() else 0)
schedule = Warm(torch.optim.AdamW(net.parameters(), 0.5))
print(schedule.get_last_lr(), isinstance(schedule.optimizer, Optimizer))
print(isinstance(net, DistributedDataParallel), torch.nn.parallel.DataParallel)
print(torch.tensor([[1.0, 5.0]]).max(1))
print(torch.__config__.show().splitlines()[0])
"""

# PyTorch 2.13 prints the same, but for its last line.
BORROWED_EXPECTED = """\
[True, True]
(27, 36) (3, 3)
0
[0.25] True
False <class 'torch.nn.parallel.data_parallel.DataParallel'>
torch.return_types.max(
values=tensor([5.]),
indices=tensor([1]))
lampas, in place of PyTorch, built with:
"""


def test_a_program_borrows_from_lesser_modules(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(BORROWED)
    done = run("-m", "lampas.compat", "program.py", cwd=tmp_path)
    assert done.stderr == ""
    assert done.stdout == BORROWED_EXPECTED
