"""Recipes see what shapes an artifact, and only that."""

from __future__ import annotations

import ast
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.digests import digest_bytes, digest_file, digest_json
from unmuted.engine import code_digests
from unmuted.engine.code_digests import code_digest
from unmuted.engine.code_versions import stage_digest
from unmuted.engine.fingerprints import fingerprint
from unmuted.pipeline.registry import DECLARATIONS, REGISTRY, STAGES

SOURCES = {
    "compute_x.py": '''
        """A thin script."""
        import json
        from unmuted.media.frames import decode
        from unmuted.engine.executor import run_tasks
        from unmuted.listing import STAGES

        def main():
            """Run."""
            from unmuted.features import vit  # lazily
            return decode(vit, json)
    ''',
    "unmuted/__init__.py": "",
    "unmuted/engine/__init__.py": "",
    "unmuted/engine/executor.py": "from unmuted import hidden\n",
    "unmuted/engines.py": "E = 1\n",
    "unmuted/listing.py": "import unmuted.hidden\n",  # infrastructure, see `digest`
    "unmuted/hidden.py": "H = 1\n",
    "unmuted/media/__init__.py": "M = 1\n",
    "unmuted/media/frames.py": "from .deep import helper\nfrom . import grid\n",
    "unmuted/media/grid.py": "from ..common import STEP\n",
    "unmuted/media/deep/__init__.py": "from unmuted.media.deep.helper import helper\n",
    "unmuted/media/deep/helper.py": "import unmuted.media.deep.bottom\n\ndef helper(): ...\n",
    "unmuted/media/deep/bottom.py": "import unmuted.engines\n",
    "unmuted/common.py": "STEP = 1\n",
    "unmuted/features/__init__.py": "",
    "unmuted/features/vit.py": "V = 1\n",
    "unmuted/other.py": "O = 1\n",
}
REACHED = [
    "compute_x.py",
    "unmuted/__init__.py",
    "unmuted/media/__init__.py",
    "unmuted/media/frames.py",
    "unmuted/media/grid.py",
    "unmuted/media/deep/__init__.py",
    "unmuted/media/deep/helper.py",
    "unmuted/media/deep/bottom.py",
    "unmuted/common.py",
    "unmuted/engines.py",
    "unmuted/features/__init__.py",
    "unmuted/features/vit.py",
]


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small library of scripts and modules in which `compute_x` is the stage's script."""
    for name, source in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(source))
    monkeypatch.setattr(code_digests, "SCRIPTS", tmp_path)
    yield tmp_path
    forget()


def forget() -> None:
    for cached in (
        code_digest,
        code_digests._read,
        code_digests._library_imports,
        code_digests._further_code,
    ):
        cached.cache_clear()


def digest(library: Path) -> str:
    forget()
    return code_digest("compute_x", library, frozenset({"unmuted.listing"}))


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


@pytest.mark.parametrize("name", REACHED)
def test_a_changed_line_of_any_reached_module_changes_the_digest(library: Path, name: str) -> None:
    before = digest(library)
    append(library / name, "\nCHANGED = 1\n")
    assert digest(library) != before


@pytest.mark.parametrize("name", sorted(SOURCES.keys() - set(REACHED)))
def test_the_engine_infrastructure_and_strangers_are_left_out(library: Path, name: str) -> None:
    before = digest(library)
    append(library / name, "\nCHANGED = 1\n")
    assert digest(library) == before


@pytest.mark.parametrize("name", REACHED)
def test_comments_layout_and_docstrings_do_not_count(library: Path, name: str) -> None:
    before = digest(library)
    path = library / name
    source = path.read_text().replace("A thin script.", "Another text.").replace("Run.", "Walk.")
    path.write_text(f"# a comment\n\n\n{source}\n# another\n")
    assert digest(library) == before


def test_a_docstring_that_is_added_or_removed_does_not_count(library: Path) -> None:
    path = library / "unmuted/media/deep/helper.py"
    before = digest(library)
    path.write_text('"""Help."""\nimport unmuted.media.deep.bottom\n\ndef helper(): ...\n')
    assert digest(library) == before
    path.write_text('import unmuted.media.deep.bottom\n\ndef helper():\n    "Help."\n    ...\n')
    assert digest(library) == before


def test_a_string_that_is_used_counts(library: Path) -> None:
    path = library / "unmuted/features/vit.py"
    path.write_text("PROMPT = 'a photo of'\n")
    before = digest(library)
    path.write_text("PROMPT = 'a video of'\n")
    assert digest(library) != before


def test_a_module_that_is_no_longer_imported_does_not_count(library: Path) -> None:
    path = library / "unmuted/media/grid.py"
    path.write_text("STEP = 1\n")
    before = digest(library)
    append(library / "unmuted/common.py", "\nCHANGED = 1\n")
    assert digest(library) == before


def test_a_cycle_of_imports_ends(library: Path) -> None:
    append(library / "unmuted/media/deep/bottom.py", "from unmuted.media import frames\n")
    assert len(digest(library)) == 32


def test_a_module_that_the_script_imports_by_name_counts_and_no_other(library: Path) -> None:
    """Reports share a script; each has a module of its own."""

    def digest_with(module: str) -> str:
        forget()
        return code_digest("compute_x", library, module=module)

    for name in ("one", "other"):
        (library / f"unmuted/{name}.py").write_text("from unmuted import helps_all\n")
    (library / "unmuted/helps_all.py").write_text("X = 1\n")
    before = {name: digest_with(f"unmuted.{name}") for name in ("one", "other")}
    append(library / "unmuted/one.py", "\nCHANGED = 1\n")
    after = {name: digest_with(f"unmuted.{name}") for name in ("one", "other")}
    assert before["one"] != after["one"] and before["other"] == after["other"]
    append(library / "unmuted/helps_all.py", "\nCHANGED = 1\n")
    assert digest_with("unmuted.other") != after["other"]


@pytest.mark.parametrize("script", sorted({stage.script for stage in STAGES.values()}))
def test_every_stage_reaches_its_own_modules(script: str, repository: Path) -> None:
    """Of the real scripts: whatever the library modules they name are, the digest covers them."""
    path = repository / "workflow" / "scripts" / f"{script}.py"
    named = {
        node.module
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("unmuted.")
    }
    assert named <= set(code_digests._library_imports(path))


def test_infrastructure_names_modules_that_exist() -> None:
    for name in REGISTRY.infrastructure:
        assert code_digests.SCRIPTS.joinpath(*name.split(".")).with_suffix(".py").is_file(), name


def test_each_module_that_is_named_as_infrastructure_is_the_code_of_some_stage_otherwise() -> None:
    """Else its name says nothing, or is wrong."""
    digests = {name: stage_digest(stage, REGISTRY) for name, stage in STAGES.items()}
    for module in REGISTRY.infrastructure - DECLARATIONS:
        without = replace(REGISTRY, infrastructure=REGISTRY.infrastructure - {module})
        assert any(stage_digest(STAGES[name], without) != digests[name] for name in STAGES), module


# --- digests -------------------------------------------------------------------------------------

values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=3), values, max_size=5))
def test_the_order_of_keys_does_not_count(value) -> None:
    assert digest_json(value) == digest_json(dict(reversed(value.items())))


@given(values, values)
def test_different_values_have_different_digests(one, other) -> None:
    import json

    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (digest_json(one) == digest_json(other)) == same


def test_names_that_are_not_utf8_have_digests() -> None:
    assert digest_json("\udcff") != digest_json("\udcfe")


@given(st.binary(max_size=64))
def test_a_file_and_its_bytes_have_one_digest(tmp_path_factory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("file") / "x"
    path.write_bytes(data)
    assert digest_file(path) == digest_bytes(data)


def test_every_part_enters_the_fingerprint() -> None:
    parts = {
        "stage": "flow",
        "code": "c",
        "settings": {"flow.max_speed": 256},
        "models": [],
        "inputs": {"frames": "d"},
    }
    changed = {
        "stage": "frames",
        "code": "d",
        "settings": {"flow.max_speed": 255},
        "models": ["vit"],
        "inputs": {"frames": "e"},
    }
    found = [fingerprint(**parts), *(fingerprint(**parts | {key: changed[key]}) for key in parts)]
    assert len(set(found)) == len(parts) + 1
    assert fingerprint(**parts) == fingerprint(**dict(reversed(parts.items())))


@pytest.mark.parametrize("folder", ["templates", "assets"])
def test_templates_and_assets_of_a_reached_package_count(library: Path, folder: str) -> None:
    before = digest(library)
    for package in ("features", "elsewhere"):
        (library / "unmuted" / package / folder).mkdir(parents=True)
    (library / "unmuted" / "elsewhere" / folder / "page.html").write_text("<p>not reached")
    assert digest(library) == before
    (library / "unmuted" / "features" / folder / "page.html").write_text("<p>one")
    one = digest(library)
    (library / "unmuted" / "features" / folder / "page.html").write_text("<p>two")
    assert len({before, one, digest(library)}) == 3
