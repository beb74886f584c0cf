"""Paths of the checkout from which Snakemake runs no job are named, and no others."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from unmuted.checkout import path_problem

PYTHON = "/home/me/unmuted/.venv/bin/python"


@pytest.mark.parametrize("one", [*" '\"$`&;(){}<>|*?\\", "\n", "\t"])
def test_what_a_shell_would_not_take_as_it_is_is_refused(one: str) -> None:
    problem = path_problem("/home/me/unmuted", PYTHON.replace("me", f"m{one}e"))
    assert "no job" in problem and "move the checkout" in problem and "\n" not in problem


@pytest.mark.parametrize("folder", ["a-b_c", "ünï", "c#", "v1.2+x", "a@b", "a=b,c", "~me", "a%b"])
def test_other_paths_are_fine(folder: str) -> None:
    assert path_problem(f"/x/{folder}/unmuted", PYTHON.replace("me", folder)) == ""


def test_braces_in_the_path_of_the_workflow_and_a_space_there_alone() -> None:
    assert "'{', '}'" in path_problem("/a{b}/unmuted", PYTHON)
    assert path_problem("/a b/unmuted", PYTHON) == ""


def test_make_says_it_before_it_installs(repository: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "my projects" / "unmuted"
    library = Path("workflow/scripts")
    for name in ("unmuted/__init__.py", "unmuted/checkout.py", "check_path.py"):
        (checkout / library / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(repository / library / name, checkout / library / name)
    locks = repository.glob("requirements*.lock")
    for path in (repository / "Makefile", repository / "pyproject.toml", *locks):
        shutil.copy(path, checkout)
    done = subprocess.run(
        ["make", f"PYTHON={sys.executable}", "demo"], cwd=checkout, capture_output=True, text=True
    )
    assert done.returncode != 0 and "with a space in the path" in done.stderr
    assert not (checkout / ".venv").exists()
