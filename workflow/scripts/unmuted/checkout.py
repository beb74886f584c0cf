"""Where the workflow and its Python lie: Snakemake runs no job from some paths.

It writes the path of the interpreter into a shell command as it is, and takes braces in the path of
the workflow for wildcards. Needs nothing but Python: `make` asks before it installs anything.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
OF_SHELL = frozenset(" \t\r\n'\"`$&;|<>()*?[]\\{}")
BRACES = frozenset("{}")


def path_problem(root: str, interpreter: str) -> str:
    """Return in one sentence why no job can run from these paths; empty where jobs can."""
    for what, path, forbidden in (
        ("the Python of Snakemake", interpreter, OF_SHELL),
        ("the folder of this workflow", root, BRACES),
    ):
        if found := sorted(forbidden.intersection(path)):
            names = ", ".join("a space" if one == " " else repr(one) for one in found)
            return (
                f"{what} lies at {path!r}, with {names} in the path, and Snakemake can run no job "
                "from there: move the checkout to a path without, and install again (data, "
                "configuration and --directory may lie anywhere)"
            )
    return ""
