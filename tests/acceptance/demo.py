"""How the tests run the embedded demo."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from runs.corpus import METRICS, REPOSITORY


def run_demo(
    folder: Path, *arguments: str, few_seeds: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake over the demo; arguments: targets, then options.

    few_seeds: two, fewer than a claim needs, and all training clips with their audio.
    """
    config = [str(REPOSITORY / "config" / "config.yaml")]
    if few_seeds:
        (folder / "few.yaml").write_text("seeds: [0, 1]\nmissing: {training_rates: [0]}\n")
        config.append(str(folder / "few.yaml"))
    command = [sys.executable, "-m", "snakemake", *(arguments or (METRICS,)), "--cores", "all"]
    command += ["--directory", str(folder), "--configfile", *config]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done
