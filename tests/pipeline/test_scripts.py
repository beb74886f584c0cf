"""Scripts only connect a job with the library: what computes is in modules that tests import."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow" / "scripts"
LONGEST = 40  # lines
FILES = sorted(SCRIPTS.glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_script_is_short_and_defines_nothing_but_main(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    docstring, *statements = ast.parse(text).body
    assert isinstance(docstring, ast.Expr)
    others = [node for node in statements if not isinstance(node, ast.Import | ast.ImportFrom)]
    main, start = others
    assert isinstance(main, ast.FunctionDef) and main.name == "main"
    assert ast.unparse(start.test) in ("'snakemake' in globals()", "__name__ == '__main__'")


def test_the_library_imports_neither_snakemake_nor_a_script() -> None:
    foreign = {"snakemake", *(path.stem for path in SCRIPTS.glob("*.py"))}
    for path in SCRIPTS.glob("unmuted/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module]
            assert foreign.isdisjoint(name.split(".")[0] for name in names), path
