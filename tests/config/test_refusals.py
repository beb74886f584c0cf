"""A bad configuration, manifest or label ends in one clear error before any job starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from small_project import changed, make_config

pytestmark = pytest.mark.workflow

LABELS = {f"{label}{i}": label for label in ("cats", "dogs") for i in range(5)}


def dry_run(
    repository: Path, folder: Path, config: dict[str, object], *targets: str, **variables: str
) -> str:
    """Text of a dry run that must fail, without a traceback and without planning a job."""
    (folder / "config.json").write_text(json.dumps(config))
    options = ["--directory", str(folder), "--configfile", str(folder / "config.json")]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "--cores", "1", *targets, *options],
        cwd=repository,
        env=os.environ | variables,
        capture_output=True,
        text=True,
    )
    text = done.stdout + done.stderr
    assert done.returncode != 0, text
    # Snakemake heads refusals of input functions so, also where no line of Python follows.
    assert "Traceback (most recent" not in text and ".py" not in text.partition("Traceback:")[2]
    assert "Job stats" not in text and "job counts" not in text.lower(), text
    assert not (folder / "results").exists() or not list((folder / "results").glob("*/*"))
    return text


def with_manifest(folder: Path, content: str) -> dict[str, object]:
    config = make_config(folder, LABELS)
    (folder / "manifest.csv").write_text(content, newline="")
    config["videos"] = {"source": "manifest", "manifest": str(folder / "manifest.csv")}
    return config


def unknown_key(folder: Path) -> dict[str, object]:
    return changed(make_config(folder, LABELS), "clips.sped", 1)


def no_videos(folder: Path) -> dict[str, object]:
    """Not the demo: nobody asked for it."""
    config = make_config(folder, LABELS)
    del config["videos"]
    return config


def missing_model(folder: Path) -> dict[str, object]:
    return changed(make_config(folder, LABELS), "models.vit.path", str(folder / "nowhere"))


def one_class_only(folder: Path) -> dict[str, object]:
    return make_config(folder, {"a": "cats", "b": "cats", "c": "cats"})


def twins(folder: Path) -> dict[str, object]:
    config = make_config(folder, LABELS)
    (folder / "videos" / "dogs" / "cats1.mp4").touch()
    return config


def bad_rows(folder: Path) -> dict[str, object]:
    """A missing file, an id that leads out, and an id given twice, all in one listing."""
    return with_manifest(
        folder,
        "path,label,video_id\n"
        "videos/cats/absent.mp4,cats,\n"
        "videos/cats/cats0.mp4,cats,../escape\n"
        'videos/cats/cats1.mp4,"ca\nts",\n',
    )


def duplicate_id(folder: Path) -> dict[str, object]:
    return with_manifest(
        folder,
        "path,label,video_id\nvideos/cats/cats0.mp4,cats,same\nvideos/dogs/dogs0.mp4,dogs,SAME\n",
    )


def empty_split(folder: Path) -> dict[str, object]:
    return with_manifest(
        folder,
        "path,label,split\n"
        "videos/cats/cats0.mp4,cats,train\n"
        "videos/dogs/dogs0.mp4,dogs,train\n"
        "videos/dogs/dogs1.mp4,dogs,val\n",
    )


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (unknown_key, ["clips: unknown key sped; known keys are fps, seconds"]),
        (no_videos, ["top level: the key videos is missing"]),
        (missing_model, ["nowhere; expected one with config.json and model.safetensors"]),
        (one_class_only, ["at least two classes among the labelled videos, found only 'cats'"]),
        (twins, ["cats/cats1.mp4 and", "dogs/cats1.mp4 both have the video id 'cats1'"]),
        (
            bad_rows,
            [
                "manifest.csv: 3 problem(s)",
                "line 2: no file",
                "line 3: video_id '../escape' is not allowed",
                "line 5: label 'ca\\nts': not one printable line",
            ],
        ),
        (duplicate_id, ["both have the video id 'SAME'"]),
        (empty_split, ["the split 'test' is empty; every experiment needs train, val and test"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_one_clear_error_before_any_job(
    repository: Path, tmp_path: Path, make, expected: list[str]
) -> None:
    text = dry_run(repository, tmp_path, make(tmp_path))
    for part in expected:
        assert part in text


def test_an_ffmpeg_that_cannot_be_run_is_named(repository: Path, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "ffmpeg").write_text("#!/bin/sh\n")  # of no version: the one of the variable counts
    (programs / "ffmpeg").chmod(0o755)
    variables = {"IMAGEIO_FFMPEG_EXE": "/no/ffmpeg", "PATH": f"{programs}:{os.environ['PATH']}"}
    text = dry_run(repository, tmp_path, make_config(tmp_path, LABELS), **variables)
    assert "the environment variable IMAGEIO_FFMPEG_EXE names '/no/ffmpeg', which cannot be" in text
