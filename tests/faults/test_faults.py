"""A small share of `make faults`, with another seed than its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from engine.toy_corpus import LIBRARY

pytestmark = pytest.mark.acceptance
TESTS = LIBRARY.parents[1] / "tests"
COUNTS = {"kills": 4, "disks": 2, "damages": 6, "media": 30}


def test_what_is_promised_holds() -> None:
    """All kinds in one process, as they share what they are tried on."""
    path = os.pathsep.join([str(LIBRARY), str(TESTS)])
    counts = [argument for kind, n in COUNTS.items() for argument in (f"--{kind}", str(n))]
    done = subprocess.run(
        [sys.executable, "-m", "faults", "--seed", "7", "--workers", "1", *counts],
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    tried = set(COUNTS) - ({"disks"} if "full disks: not tried" in done.stdout else set())
    for kind in tried:
        assert f"\n{kind} " in f"\n{done.stdout}"
