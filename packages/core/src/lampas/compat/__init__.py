"""Run programs that say ``import torch`` on lampas, unmodified.

::

    python -m lampas.compat train.py --epochs 3
    python -m lampas.compat -m package.module
    lampas run train.py --epochs 3

In a notebook, before the first ``import torch``::

    import lampas.compat
    lampas.compat.install()

``torch``, ``torchvision`` and ``torchaudio``, and all that stands under them, then mean
lampas, lampas-vision and lampas-audio in this process and in those that it starts.
``torch.X`` is what ``lampas.compat._torch.X`` adds over ``lampas.X``. A name that
neither has is an AttributeError, as in any module, so that a program's own questions
("has this version of torch ...?") are answered truly.
"""

from __future__ import annotations

from lampas.compat._install import install, installed, uninstall
from lampas.compat._run import main, run_module, run_script

__all__ = ["install", "installed", "main", "run_module", "run_script", "uninstall"]
