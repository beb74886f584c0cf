"""What happens to the machine in a run: jobs fail and are tried again, and results stay."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from media.clips import write_clip_with_sound
from runs.corpus import REPOSITORY, Corpus
from unmuted.media.ffmpeg import binary

pytestmark = pytest.mark.workflow
STAGES = ("probe", "frames", "wav")
LEDGERS = [f"results/{stage}/00000-of-00001.ledger.csv" for stage in STAGES[1:]]
# What befalls the decoder of the pictures of first.mp4, once: $1 is a file that says so.
FFMPEG = """#!/bin/bash
case "$*" in *first.mp4*rawvideo*) [ -e "{once}" ] || {{ touch "{once}"; {fault}; }} ;; esac
exec "{ffmpeg}" "$@"
"""


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """Two short clips with the tiny models of the repository; nothing has run."""
    (tmp_path / "videos").mkdir()
    clip = write_clip_with_sound(tmp_path / "clip.mp4", "sine=frequency=440:duration=1", seconds=1)
    for name in ("first", "second"):
        shutil.copy(clip, tmp_path / "videos" / f"{name}.mp4")
    tiny = REPOSITORY / "resources" / "tiny_models"
    roles = {"vit": "vit", "ast": "ast", "blip": "blip"}
    roles |= {"pilot_backbone": "cnn", "cnn_rnn_backbone": "cnn"}
    config = {
        "videos": {"source": "folder", "folder": "videos"},
        "models": {role: {"path": str(tiny / name)} for role, name in roles.items()},
        "cnn_rnn": {"image_size": 96},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    return Corpus(tmp_path)


@pytest.fixture
def run(corpus: Corpus) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Snakemake, with a fault of the decoder that is given as shell code."""

    def run(*arguments: str, fault: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
        path = corpus.folder / "bin" / "ffmpeg"
        path.parent.mkdir(exist_ok=True)
        once = corpus.folder / "fault"
        once.unlink(missing_ok=True)
        path.write_text(FFMPEG.format(once=once, fault=fault or ":", ffmpeg=binary()))
        path.chmod(0o755)
        environment = {**os.environ, "PATH": f"{path.parent}:{os.environ['PATH']}"}
        command = corpus.command(*arguments, *LEDGERS)
        done = subprocess.run(
            command, cwd=REPOSITORY, env=environment, capture_output=True, text=True
        )
        assert done.returncode == code, done.stderr
        return done

    return run


def statuses(corpus: Corpus) -> set[str]:
    return {row.status for stage in STAGES for row in corpus.rows(stage).values()}


def test_a_decoder_that_is_killed_once_is_run_again_with_more_memory(corpus: Corpus, run) -> None:
    done = run(fault="kill -9 $$")
    assert "first.mp4: the decoder was killed (SIGKILL)" in done.stderr
    assert "Trying to restart job" in done.stderr and "mem_mb=4264" in done.stderr  # twice 2132
    assert statuses(corpus) == {"ok"}
    assert "Nothing to be done" in run().stderr


def test_a_folder_that_goes_away_in_a_run_costs_nothing(corpus: Corpus, run) -> None:
    run()
    finished = corpus.bytes(*STAGES)
    videos = corpus.folder / "videos"
    done = run("--forceall", fault=f'mv "{videos}" "{videos}.away"', code=1)
    assert "cannot read the file" in done.stderr and "Traceback" not in done.stderr
    assert corpus.bytes(*STAGES) == finished
    os.rename(f"{videos}.away", videos)
    run()
    assert corpus.bytes(*STAGES) == finished
    assert statuses(corpus) == {"ok"}
    assert "Nothing to be done" in run().stderr
