"""``python -m lampas.compat script.py args...`` or ``-m module args...``."""

from __future__ import annotations

import sys

from lampas.compat._run import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
