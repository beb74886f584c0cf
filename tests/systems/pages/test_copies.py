"""Copies of the selected videos: findings become rows, failures of the machine fail the job."""

from __future__ import annotations

from pathlib import Path

import pytest

from media.clips import run_ffmpeg
from unmuted.dataset.videos import Video
from unmuted.engine.artifacts import write_artifact
from unmuted.engine.executor import Artifact, Task
from unmuted.engine.ledger import LedgerEntry
from unmuted.errors import MachineError
from unmuted.media.failures import DecoderFailure
from unmuted.media.probe import Limits, probe
from unmuted.systems.pages import copies_job
from unmuted.systems.pages.copies_job import ClipCopier, FilmCopier, is_selected

CONFIG = {
    "videos": {
        "follow_links": False,
        "max_seconds": 60,
        "min_seconds": 0.025,
        "max_megapixels": 34,
        "max_gigabytes": 1,
    },
    "media": {"sandbox": "auto"},
    "wav": {"languages": []},
    "report": {"preview_side": 64, "preview_seconds": 1},
}


def video(path: Path | None = None, label: str | None = None) -> Video:
    return Video("v", path, label, None, "group", None if path is None else path.parent)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """A task of a video of 2 s with sound, in a file that browsers do not play."""
    path = tmp_path / "videos" / "v.avi"
    path.parent.mkdir()
    run_ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=size=128x96:rate=10:duration=2"),
        *("-f", "lavfi", "-i", "sine=frequency=440:duration=2", "-c:v", "mpeg4", path),
    )
    artifact = tmp_path / "probe.json"
    digest, size = write_artifact(artifact, probe(path, Limits()).as_json(), "")
    row = LedgerEntry("v", "ok", "", "", digest, size, 0.0)
    return Task("v", "", {"probe": Artifact(artifact, row)}, video(path))


@pytest.mark.parametrize(
    ("pages", "selected"),
    [
        ("test", {"test"}),
        ("labelled", {"test", "train", "no split"}),
        ("all", {"test", "train", "no split", "unlabelled"}),
        ("none", set()),
    ],
)
def test_the_setting_selects(pages: str, selected: set[str]) -> None:
    """A video of a match or with masks has a split and no class."""
    videos = {
        "test": (video(label="a"), "test"),
        "train": (video(), "train"),
        "no split": (video(label="a"), None),
        "unlabelled": (video(), None),
    }
    assert {name for name, one in videos.items() if is_selected(*one, pages)} == selected


def test_a_copy_says_what_it_does_not_show(task: Task, tmp_path: Path) -> None:
    result = ClipCopier(CONFIG).make(task)
    assert result.status == "ok" and result.reason.startswith("the first 1 s of 2")
    result.payload(tmp_path / "copy.mp4")
    found = probe(tmp_path / "copy.mp4", Limits())
    assert (found.width, found.height, found.audio_codec) == (64, 48, "aac")


def test_a_video_that_cannot_be_decoded_is_a_row(task: Task) -> None:
    task.video.file.write_bytes(task.video.file.read_bytes()[:2000])
    result = ClipCopier(CONFIG).make(task)
    assert result.payload is None
    assert result.status == "no_frames" and result.reason


def test_a_decoder_that_was_killed_fails_the_job(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise DecoderFailure("the decoder was killed (SIGKILL)")

    monkeypatch.setattr(copies_job, "make_preview", killed)
    with pytest.raises(MachineError, match="killed"):
        ClipCopier(CONFIG).make(task)


def test_a_muxer_that_fails_fails_the_job(task: Task, tmp_path: Path) -> None:
    result = ClipCopier(CONFIG).make(task)
    with pytest.raises(MachineError, match="could not write"):
        result.payload(tmp_path / "no folder" / "copy.mp4")


def test_a_film_of_the_workflow_is_copied_with_its_sound_up_to_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "reel.mp4"
    run_ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=size=128x96:rate=10:duration=2"),
        *("-f", "lavfi", "-i", "sine=frequency=440:duration=2", "-pix_fmt", "yuv420p", path),
    )
    content = path.read_bytes()
    digest, size = write_artifact(path, lambda part: part.write_bytes(content), "")
    film = Artifact(path, LedgerEntry("m", "ok", "", "", digest, size, 0.0))
    result = FilmCopier(CONFIG, 1).make("m", film)
    assert (result.status, result.reason) == ("ok", "the first 1 s of 2 s")
    result.payload(tmp_path / "copy.mp4")
    found = probe(tmp_path / "copy.mp4", Limits())
    assert (found.width, found.height, found.audio_codec) == (64, 48, "aac")
    assert FilmCopier(CONFIG, 300).make("m", film).reason == ""
