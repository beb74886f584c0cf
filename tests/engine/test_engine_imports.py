"""The engine knows nothing of media, models and systems; what the Snakefile imports is light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

WORKFLOW = Path(__file__).resolve().parents[2] / "workflow"
SCRIPTS = WORKFLOW / "scripts"
MODULES = sorted((SCRIPTS / "unmuted" / "engine").glob("*.py"))
# All of the library that the engine may know: videos with labels, and their splits.
KNOWN = {
    f"unmuted.{name}"
    for name in (
        *("dataset.manifest", "dataset.splits", "dataset.videos"),
        *("digests", "disk_space", "errors", "files", "text"),
    )
}
FOREIGN = {
    # systems and what they consist of
    *("arch1", "arch2", "pilot", "rnn", "comparison", "arm", "arms", "ablation", "ablations"),
    *("generator", "generators", "anchoring", "classifier", "projection"),
    *("prototypes", "noise", "fold", "folds", "filtered", "retrieval", "dictionary"),
    # models
    *("ast", "bert", "blip", "cnn", "gru", "lstm", "resnet", "transformer", "transformers", "vit"),
    *("embedding", "embeddings", "sentence", "sentences", "token", "tokens"),
    # media
    *("audio", "caption", "captions", "clip", "clips", "ffmpeg", "flow", "fps", "frame", "frames"),
    *("image", "images", "mp4", "picture", "pictures", "probe", "sound", "sounds", "wav"),
    # data sets
    *("audioset", "demo", "kinetics", "moments", "ucf101", "world"),
}
INNOCENT = {"_is_sound", "default_flow_style"}  # an adjective, and an option of PyYAML
# A cluster job parses the Snakefile before it starts: nothing there may be slow to import.
HEAVY = {
    *("cv2", "huggingface_hub", "matplotlib", "numpy", "pandas", "safetensors", "scipy", "sklearn"),
    *("sentence_transformers", "snakemake", "torch", "transformers"),
}


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(tree: ast.Module) -> Iterator[str]:
    """Modules that are imported at any depth, for annotations alone too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module


def texts(tree: ast.Module) -> Iterator[str]:
    """Identifiers and strings; without docstrings, and without the module `ast` of Python."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and ast.get_docstring(node) is not None
    }
    python = {
        name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in names(node)
    }
    for node in ast.walk(tree):
        owner = getattr(node, "value", node)  # of ast.parse, the name ast
        is_python = not python.isdisjoint(names(owner)) and not isinstance(owner, ast.Constant)
        if id(node) not in docstrings and not is_python:
            yield from names(node)


def names(node: ast.AST) -> Iterator[str]:
    """The string that a node is, or the identifiers in it."""
    if isinstance(node, ast.Import):
        yield from (alias.asname or alias.name for alias in node.names)
    for key in ("value", "id", "attr", "arg", "name", "asname"):
        if isinstance(found := getattr(node, key, None), str):
            yield found


def words(text: str) -> set[str]:
    """Words of an identifier in any spelling, or of a sentence, in small letters."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+[0-9]*|[A-Z]+(?![a-z])", text)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_engine_imports_itself_and_what_tells_of_videos(path: Path) -> None:
    own = {name for name in imports(parse(path)) if name.split(".")[0] == "unmuted"}
    assert {name for name in own if not name.startswith("unmuted.engine.")} <= KNOWN


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_engine_names_no_system_model_or_medium(path: Path) -> None:
    found = {text: words(text) & FOREIGN for text in texts(parse(path)) if text not in INNOCENT}
    assert {text: named for text, named in found.items() if named} == {}


@pytest.mark.parametrize(
    "code",
    ["pilot_kind = 1", "def read_wav(): ...", "x.vit_rgb", "f(clips=1)", "KIND = 'the CNN-RNN'"],
)
def test_a_foreign_word_is_found(code: str) -> None:
    assert any(words(text) & FOREIGN for text in texts(ast.parse(code)))


def imported_by_rules() -> set[str]:
    """Modules of the library that the Snakefile and its rules import."""
    files = [WORKFLOW / "Snakefile", *sorted((WORKFLOW / "rules").glob("*.smk"))]
    found = [
        re.findall(r"^\s*(?:from|import) (unmuted\S*)", path.read_text(), re.MULTILINE)
        for path in files
    ]
    return {name for names in found for name in names}


def test_the_snakefile_imports_only_what_plans_a_run() -> None:
    named = imported_by_rules()
    assert {
        "unmuted.pipeline.registry",
        "unmuted.pipeline.ablations",
        "unmuted.engine.run",
    } <= named
    others = {name for name in named if not name.startswith("unmuted.engine.")}
    planning = {"unmuted.pipeline.registry", "unmuted.pipeline.ablations", "unmuted.errors"}
    planning |= {"unmuted.pipeline.families.site", "unmuted.systems.pages"}
    light = {"unmuted", "unmuted.checkout", "unmuted.config.files", "unmuted.dataset.limits"}
    assert others <= light | planning


@pytest.mark.parametrize(
    "name",
    sorted(imported_by_rules() | {f"unmuted.engine.{path.stem}" for path in MODULES}),
)
def test_what_the_snakefile_imports_is_light(name: str) -> None:
    code = f"import sys, {name}; print(*sorted({HEAVY} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
