"""README's first code block: two commands, the second of which CI runs."""

from __future__ import annotations

import re
import stat
import subprocess
from pathlib import Path


def first_block(readme: str) -> list[str]:
    """Give the lines of the first fenced block."""
    match = re.search(r"^```[^\n]*\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert match is not None
    return match.group(1).splitlines()


def test_first_block_has_two_lines_complete_in_themselves(root):
    lines = first_block((root / "README.md").read_text(encoding="utf-8"))
    assert len(lines) == 2
    assert all(" -m venv " in line and "pip install" in line for line in lines)
    assert "./packages/core" in lines[0] and lines[0].endswith("lampas quickstart")
    assert lines[1].endswith("nox -s tests")


def test_paths_in_the_first_block_exist(root):
    block = "\n".join(first_block((root / "README.md").read_text(encoding="utf-8")))
    paths = re.findall(r"\./[\w/]+", block)
    assert paths
    assert all((root / path).is_dir() for path in paths)


def _clone_with(folder: Path, root: Path, second: str) -> Path:
    script = folder / ".ci" / "run"
    script.parent.mkdir()
    script.write_bytes((root / ".ci" / "run").read_bytes())
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    readme = f"# Title\n\n```\necho first\n{second}\n```\n\n```\necho other\n```\n"
    (folder / "README.md").write_text(readme)
    return script


def test_ci_runs_the_second_line_and_prints_the_summary_last(root, tmp_path):
    second = "pwd; printf '3 passed in 0.10s\\n'; echo Session tests was successful."
    script = _clone_with(tmp_path, root, second)
    done = subprocess.run([script], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0] == str(tmp_path.resolve())
    assert lines[-1] == "3 passed in 0.10s"
    assert "first" not in lines and "other" not in lines


def test_ci_fails_where_the_second_line_fails(root, tmp_path):
    script = _clone_with(tmp_path, root, "echo '1 failed in 0.10s'; false; true")
    done = subprocess.run([script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "1 failed in 0.10s"
