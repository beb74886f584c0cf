"""Digests of code: of a script and of every module of the library that it reaches."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TypeGuard

from unmuted.digests import digest_bytes, digest_json

ENGINE_FOLDER = Path(__file__).resolve().parent
PACKAGE = ENGINE_FOLDER.parent
SCRIPTS = PACKAGE.parent
CODE_FOLDERS = ("templates", "assets")  # of a package: files that are code, but no Python
ENGINE = f"{PACKAGE.name}.{ENGINE_FOLDER.name}"


@cache
def code_digest(
    script: str,
    scripts: Path | None = None,
    infrastructure: frozenset[str] = frozenset(),
    module: str = "",
) -> str:
    """Return the digest of a script and the library modules that it reaches, without docstrings.

    scripts: the folder of the script. The engine and modules of `infrastructure` are left out, with
    all that only they reach: they decide where an artifact lies, not what is in it. module: of the
    library, that the script imports by a name which is not in its code. Templates and assets of a
    package that is reached are code as well.
    """
    sources = {script: (scripts or SCRIPTS) / f"{script}.py", **_module_files(module)}
    queue = [*sources.values()]
    while queue:
        for module, path in _library_imports(queue.pop()).items():
            shapes = not f"{module}.".startswith(f"{ENGINE}.") and module not in infrastructure
            if shapes and module not in sources:
                sources[module] = path
                queue.append(path)
    digests = {name: _read(path)[0] for name, path in sources.items()}
    for path in sources.values():
        digests |= _further_code(path)
    return digest_json(digests)


@cache
def _further_code(path: Path) -> Mapping[str, str]:
    """Return the digests of the templates and assets of a package, by their paths; path: of it."""
    if path.name != "__init__.py":
        return {}
    return {
        file.relative_to(SCRIPTS).as_posix(): digest_bytes(file.read_bytes())
        for folder in CODE_FOLDERS
        for file in sorted((path.parent / folder).glob("*.*"))
    }


@cache
def _read(path: Path) -> tuple[str, frozenset[str]]:
    """Return the digest of a file's code without docstrings, and the names that it imports.

    The names are those of imports at any depth.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (base := _absolute(node, path)):
            names.add(base)
            names.update(f"{base}.{alias.name}" for alias in node.names)
        elif _has_docstring(node):
            node.body = node.body[1:]
    return digest_bytes(ast.dump(tree).encode()), frozenset(names)


def _has_docstring(node: ast.AST) -> TypeGuard[ast.Module | ast.ClassDef | ast.FunctionDef]:
    return (
        isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and bool(node.body)
        and ast.get_docstring(node, clean=False) is not None
    )


@cache
def _library_imports(path: Path) -> Mapping[str, Path]:
    """Return the modules of this library that a file imports, at any depth, with their files."""
    return {module: file for name in _read(path)[1] for module, file in _module_files(name).items()}


def _module_files(name: str) -> dict[str, Path]:
    """Return the files of a module of this library and of its packages; none of other modules."""
    parts = name.split(".")
    if parts[0] != PACKAGE.name:
        return {}
    files = {}
    for depth in range(1, len(parts) + 1):  # importing a.b.c runs a and a.b as well
        stem = SCRIPTS.joinpath(*parts[:depth])
        for file in (stem.with_name(f"{stem.name}.py"), stem / "__init__.py"):
            if file.is_file():
                files[".".join(parts[:depth])] = file
    return files


def _absolute(node: ast.ImportFrom, path: Path) -> str:
    """Return the dotted name of the module that a `from ... import` reads, also a relative one."""
    if node.level == 0:
        return node.module or ""
    package = path.relative_to(SCRIPTS).parent.parts
    kept = package[: len(package) - node.level + 1]
    return ".".join((*kept, *((node.module or "").split(".") if node.module else ())))
