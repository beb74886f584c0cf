"""A small share of `make faults`, with other seeds than its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from engine.toy_corpus import LIBRARY

pytestmark = pytest.mark.workflow
TESTS = LIBRARY.parents[1] / "tests"


@pytest.mark.parametrize(
    ("kind", "count"), [("kills", 4), ("disks", 2), ("damages", 6), ("media", 30)]
)
def test_what_is_promised_holds(kind: str, count: int) -> None:
    path = os.pathsep.join([str(LIBRARY), str(TESTS)])
    done = subprocess.run(
        [sys.executable, "-m", "faults", "--seed", "7", "--only", kind, f"--{kind}", str(count)],
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    print(done.stdout, done.stderr)
    if "not tried" in done.stdout:
        pytest.skip("small disks need root or a user's mount namespace")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert f"\n{kind} " in f"\n{done.stdout}"
