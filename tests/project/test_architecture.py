"""Arrows of the library point down: no package imports one above it, and there is no circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[2] / "workflow" / "scripts" / "unmuted"
# From top to bottom. A package may import those below it.
LAYERS = (
    "pipeline",
    "systems.pages",
    "systems.comparison",
    "systems.arch1",
    "systems.arch2",
    "systems.pilot",
    "systems.cnn_rnn",
    "systems.segmentation",
    "systems.highlights",
    "systems.classifier",
    "systems.shared",
    "site",
    "evaluation",
    "samples",
    "features",
    "inference",
    "models",
    "demo_world",
    "media",
    "engine",
    "training",
    "dataset",
    "config",
    "checkout",
    "files",
    "digests",
    "text",
    "disk_space",
    "errors",
    "",  # unmuted/__init__.py: the version
)


def package_of(module: str) -> str:
    """The layer of a module such as unmuted.systems.pilot.model."""
    _, *parts = module.split(".")
    depth = 2 if parts[:1] == ["systems"] else 1
    return ".".join(parts[:depth])


def imports(path: Path) -> Iterator[str]:
    """Modules of the library that a file imports anywhere but for type checking."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("unmuted"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("unmuted"):
            yield node.module if node.module != "unmuted" else f"unmuted.{node.names[0].name}"
            assert node.level == 0


def edges() -> set[tuple[str, str]]:
    found = set()
    for path in LIBRARY.rglob("*.py"):
        parts = path.relative_to(LIBRARY.parent).with_suffix("").parts
        module = ".".join(parts).removesuffix(".__init__")
        for imported in imports(path):
            name = "" if imported == "unmuted.__version__" else package_of(imported)
            found.add((package_of(module), name))
    return {(above, below) for above, below in found if above != below}


def test_every_package_has_a_layer() -> None:
    here = {path.stem for path in LIBRARY.glob("*.py")} - {"__init__"}
    here |= {path.parent.name for path in LIBRARY.glob("*/__init__.py")} - {"systems"}
    here |= {f"systems.{path.parent.name}" for path in LIBRARY.glob("systems/*/__init__.py")}
    assert here == set(LAYERS) - {""}


def test_no_package_imports_one_above_it() -> None:
    place = {name: number for number, name in enumerate(LAYERS)}
    found = edges()
    assert len(found) > 50
    assert [pair for pair in sorted(found) if place[pair[0]] >= place[pair[1]]] == []


@pytest.mark.parametrize("name", ["media", "features", "models", "inference", "demo_world"])
def test_the_engine_knows_no_medium_and_no_model(name: str) -> None:
    below_engine = {below for above, below in edges() if above == "engine"}
    assert name not in below_engine
    assert not any(below.startswith(("systems", "pipeline")) for below in below_engine)
