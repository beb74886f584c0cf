"""A first look at four clips of a user: no splits, and a run that used no video fails in words."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from runs.corpus import REPOSITORY, Corpus
from unmuted.media import ffmpeg

pytestmark = pytest.mark.workflow
MODELS = {
    role: {"path": f"resources/tiny_models/{name}"}
    for role, name in {
        "vit": "vit",
        "ast": "ast",
        "blip": "blip",
        "pilot_backbone": "cnn",
        "cnn_rnn_backbone": "cnn",
    }.items()
}
FRAMES = "results/frames/00000-of-00001.ledger.csv"


@pytest.fixture
def four(tmp_path: Path) -> Corpus:
    """Two clips of one second of each of two classes."""
    source = "testsrc2=size=64x48:rate=10:duration=1"
    for name in ("cats/a", "cats/b", "dogs/c", "dogs/d"):
        path = tmp_path / "videos" / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        command = [ffmpeg.binary(), "-v", "error", "-f", "lavfi", "-i", source, str(path)]
        subprocess.run(command, check=True)
    config = {"videos": {"source": "folder", "folder": "videos"}, "models": MODELS}
    config["cnn_rnn"] = {"image_size": 96}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    assert (REPOSITORY / "resources" / "tiny_models" / "cnn").is_dir()
    return Corpus(tmp_path)


def test_features_are_planned_without_splits_and_metrics_are_not(four: Corpus) -> None:
    plan = four.run("-n", "features").stdout
    assert "extract_vit" in plan and "make_splits" not in plan
    for target in ("results/splits.csv", "results/arch2_metrics.json"):
        done = four.run("-n", target, check=False)
        output = done.stdout + done.stderr
        assert done.returncode != 0 and "too few source groups (4) for three splits" in output
        assert "in check_experiment" not in output  # no traceback


def test_a_run_that_used_no_video_fails_each_time_and_names_the_setting(four: Corpus) -> None:
    four.change_config(videos={"max_seconds": 0.5})
    for _ in range(2):
        done = four.run(FRAMES, check=False)
        assert done.returncode != 0
        assert "0 of 4 videos usable\n  4 too_long, such as a (" in done.stderr
        assert "set videos.max_seconds" in done.stderr
        listed = (four.folder / "results/logs/unusable_videos.csv").read_text()
        assert listed.count("too_long") == 4
    four.change_config(videos={"max_seconds": 60})
    done = four.run(FRAMES)
    assert "usable" not in done.stderr
    assert {row.status for row in four.rows("frames").values()} == {"ok"}
