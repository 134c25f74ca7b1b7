"""The bench in its smallest run: it measures, and writes its report."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow
def test_a_small_run_measures_and_writes_the_report(tmp_path: Path) -> None:
    report = tmp_path / "RESULTS.md"
    extent = "--rounds 1 --seconds 1 --connections 4 --no-large --only retainer,pgbench".split()
    workloads = ["--workloads", "one,list50,page,create"]
    command = [sys.executable, "-m", "bench", *extent, *workloads, "--output", str(report)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = report.read_text()
    assert "did not take part" not in text
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| retainer")]
    assert len(rows) == 4
    assert [row[-1] for row in rows] == ["0 |"] * 4, "errors"
    for bar in ("share of the database's limit", "near the bare statement", "pages"):
        assert f"| {bar} |" in text
