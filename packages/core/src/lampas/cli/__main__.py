"""``python -m lampas.cli``."""

from __future__ import annotations

import sys

from lampas.cli._main import main

if __name__ == "__main__":
    sys.exit(main())
