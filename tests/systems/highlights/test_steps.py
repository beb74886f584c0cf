"""Steps of picture and sound of recordings of every kind, and events within them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.transforms import functional

from media.clips import run_ffmpeg, write_clip_with_sound, write_numbered_clip
from unmuted.checkout import ROOT
from unmuted.config.validation import check_config
from unmuted.dataset.events import Event
from unmuted.dataset.labels import Labels
from unmuted.dataset.limits import Limits, video_limits
from unmuted.dataset.matches import targets_of
from unmuted.dataset.videos import Video
from unmuted.engine.artifacts import read_tensors
from unmuted.engine.executor import Result, Task
from unmuted.features.log_mel import FLOOR_DB
from unmuted.media.ffmpeg import MediaError
from unmuted.media.frames import TimelineFrames
from unmuted.media.probe import probe
from unmuted.models.architectures import load_backbone
from unmuted.models.loading import from_config
from unmuted.systems.highlights.events_job import place_events, within_file
from unmuted.systems.highlights.step_sound_job import StepListener
from unmuted.systems.highlights.step_visual_job import StepVisual

CNN = {"path": "resources/tiny_models/cnn", "dtype": "float32"}
CONFIG = check_config(
    {
        "videos": {"source": "matches", "max_seconds": 60},
        "steps": {"image_size": 96},
        "models": {**dict.fromkeys(("vit", "ast", "blip"), CNN), "step_backbone": CNN},
    }
)
LIMITS = video_limits(CONFIG)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def seer() -> StepVisual:
    spec = from_config(CNN, ROOT, "step_backbone")
    job = SimpleNamespace(config=CONFIG, threads=1, model_spec=lambda role: spec)
    return StepVisual(job)


def task_of(path: Path, limits: Limits = LIMITS) -> Task:
    found = probe(path, limits)
    video = Video(path.stem[:40], path, None, None, path.stem, root=path.parent)
    return Task(video.video_id, "f", {"probe": SimpleNamespace(json=found.as_json)}, video)


def tensors(result: Result, tmp_path: Path) -> dict[str, np.ndarray]:
    assert result.payload is not None, result
    result.payload.write(tmp_path / "found.safetensors", {})
    return read_tensors(tmp_path / "found.safetensors")


def heard(path: Path, tmp_path: Path) -> tuple[Result, dict[str, np.ndarray]]:
    (result,) = StepListener(CONFIG).hear([task_of(path)])
    return result, tensors(result, tmp_path)


def beep(at: float, hz: int = 48_000, channels: int = 1) -> str:
    """A source with faint noise and a beep of 0.2 s."""
    one = f"0.001*random(0)+0.5*between(t\\,{at}\\,{at + 0.2})*sin(2*PI*1000*t)"
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
    return f"aevalsrc={'|'.join([one] * channels)}:s={hz}:c={layout}:d=12"


@pytest.mark.parametrize("hz", [8_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_sound_is_at_its_step_at_every_rate_and_with_any_channels(
    tmp_path: Path, hz: int, channels: int
) -> None:
    path = write_clip_with_sound(
        tmp_path / "a.mkv", beep(7.6, hz, channels), "-c:a", "pcm_s16le", seconds=12
    )
    result, found = heard(path, tmp_path)
    assert result.status == "ok" and found["mel"].shape == (60, 20, 64)
    assert found["mel"].dtype == np.float16 and found["rms"].dtype == np.float32
    assert abs(int(found["rms"].argmax()) - 38) <= 0 and found["valid"].all()
    band = found["mel"][38].astype(float).mean(axis=0).argmax()
    assert 20 <= band <= 30  # of 1 kHz


def test_sound_that_begins_late_ends_early_or_is_longer(tmp_path: Path) -> None:
    late = write_clip_with_sound(
        *(tmp_path / "late.mkv", beep(2), "-c:a", "pcm_s16le"),
        seconds=12,
        before=("-itsoffset", 4),
    )
    result, found = heard(late, tmp_path)
    assert not found["valid"][:20].any() and found["valid"][21:].all() and result.status == "ok"
    assert found["rms"].argmax() == 30  # 4 s later than in the stream
    short = write_clip_with_sound(
        tmp_path / "short.mkv", beep(2).replace("d=12", "d=6"), "-c:a", "pcm_s16le", seconds=12
    )
    result, found = heard(short, tmp_path)
    assert found["valid"][:30].all() and not found["valid"][30:].any() and result.status == "ok"
    longer = write_clip_with_sound(tmp_path / "longer.mkv", beep(2), "-c:a", "pcm_s16le", seconds=5)
    result, found = heard(longer, tmp_path)
    assert len(found["valid"]) == 25 and found["valid"].all()


def test_a_gap_in_the_sound_stays_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    gap = "aselect=not(between(t\\,3\\,6))"
    run_ffmpeg(
        *("-f", "lavfi", "-i", "color=gray:size=64x64:rate=25:duration=12"),
        *("-f", "lavfi", "-i", beep(8), "-af", gap, "-c:a", "pcm_s16le", path),
    )
    _, found = heard(path, tmp_path)
    assert not found["valid"][16:29].any()
    assert found["valid"][:14].all() and found["valid"][31:].all()
    assert found["rms"].argmax() == 40
    assert (found["mel"][18:28] == FLOOR_DB).all()


@pytest.mark.parametrize(
    ("sound", "status"),
    [
        ("anullsrc=d=12", "silent"),
        ("aevalsrc=0.0001*sin(300*t):d=12", "silent"),
        (None, "no_stream"),
    ],
)
def test_without_sound_all_is_finite_and_masked(
    tmp_path: Path, sound: str | None, status: str
) -> None:
    path = tmp_path / "a.mkv"
    if sound is None:
        write_numbered_clip(path, range(300), 25)
    else:
        write_clip_with_sound(path, sound, "-c:a", "pcm_s16le", seconds=12)
    result, found = heard(path, tmp_path)
    assert result.status == status and len(found["valid"]) == 60
    assert not found["valid"].any()
    assert np.isfinite(found["mel"]).all() and np.isfinite(found["rms"]).all()


# --- the picture ----------------------------------------------------------------------------------


def expected_features(path: Path) -> np.ndarray:
    """The plain model on torchvision's normalised pictures that a player shows at the steps."""
    found = probe(path, LIMITS)
    side = 96
    size_of_shown = [image for _, image in TimelineFrames(path, found, 5, side)]
    model, config = load_backbone(ROOT / CNN["path"], "tiny")
    mean, std = config.preprocessing.mean, config.preprocessing.std
    pixels = torch.stack(
        [functional.normalize(functional.to_tensor(image), mean, std) for image in size_of_shown]
    )
    with torch.inference_mode():
        return model(pixels).numpy()


def test_features_are_those_of_the_pictures_that_a_player_shows(
    seer: StepVisual, tmp_path: Path
) -> None:
    path = tmp_path / "a.mp4"  # square, so that no library has to scale it
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=size=96x96:rate=30000/1001:duration=5", path)
    (result,) = seer.see([task_of(path)])
    found = tensors(result, tmp_path)
    expected = expected_features(path)
    assert found["features"].dtype == np.float16 and found["valid"].all()
    assert found["features"].shape == expected.shape == (len(found["valid"]), 96)
    close = np.abs(found["features"].astype(np.float32) - expected)
    assert (close <= 1e-4 + 2**-11 * np.abs(expected)).all()  # and half precision's rounding
    assert found["size"].tolist() == [96, 96] and found["rate"] == [5]


def test_two_recordings_side_by_side_do_not_mix(seer: StepVisual, tmp_path: Path) -> None:
    paths = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    for path, source in zip(paths, ("testsrc2", "smptebars"), strict=True):
        run_ffmpeg("-f", "lavfi", "-i", f"{source}=size=128x72:rate=25:duration=3.3", path)
    together = [tensors(result, tmp_path) for result in seer.see([*map(task_of, paths)])]
    alone = [tensors(next(iter(seer.see([task_of(path)]))), tmp_path) for path in paths]
    for one, other in zip(together, alone, strict=True):
        assert np.array_equal(one["features"], other["features"]) and len(one["valid"]) == 17


def test_a_damaged_middle_is_masked_and_said(seer: StepVisual, tmp_path: Path) -> None:
    codec = ("-c:v", "mpeg2video", "-q:v", 3, "-g", 5)
    path = write_numbered_clip(tmp_path / "a.ts", range(200), 25, codec)
    data = bytearray(path.read_bytes())
    third = len(data) // 3 // 188 * 188
    data[third : 2 * third] = bytes(third)
    path.write_bytes(data)
    (result,) = seer.see([task_of(path)])
    found = tensors(result, tmp_path)
    assert result.status == "damaged" and "steps without a picture" in result.reason
    assert 0 < (~found["valid"]).sum() < len(found["valid"]) - 10


EXPECTED = {  # statuses of probes; of the others the probe succeeds
    "audio_only.mp4": "no_video",
    "audio_with_cover_picture.mp4": "no_video",
    "huge_8192x8192.mp4": "too_large",
    "truncated_no_index.mp4": "unreadable",
    "two_hours.mp4": "too_long",
    "zero_byte.mp4": "empty",
}


def test_bad_media_as_recordings(seer: StepVisual, shared: Path, tmp_path: Path) -> None:
    """Each has the right status, and none stops the others."""
    statuses: dict[str, Any] = {}
    for path in sorted((shared / "bad_media").glob("*.*")):
        if path.suffix not in (".mp4", ".webm"):
            continue
        try:
            task = task_of(path)
        except MediaError as error:
            statuses[path.name] = error.status
            continue
        (sight,), (sound,) = seer.see([task]), StepListener(CONFIG).hear([task])
        found, audio = tensors(sight, tmp_path), tensors(sound, tmp_path)
        assert np.isfinite(found["features"]).all() and np.isfinite(audio["mel"]).all()
        assert len(found["valid"]) == len(found["features"]) == len(audio["valid"])
        statuses[path.name] = (sight.status, sound.status)
    for name, status in EXPECTED.items():
        if name in statuses:
            assert statuses[name] == status, name
    assert statuses["silent_audio.mp4"] == ("ok", "silent")
    assert statuses["video_only.mp4"] == ("ok", "no_stream")
    assert statuses["corrupt_middle.mp4"][0] == "damaged"
    refused = {status for status in statuses.values() if isinstance(status, str)}
    assert refused <= {*EXPECTED.values(), "not_allowed", "no_frames"}


# --- events ---------------------------------------------------------------------------------------


def events_at(*times: int, halves: dict[int, float] | None = None) -> dict[str, Any]:
    labels = Labels(tuple(Event(1, time, "Goal") for time in times))
    return targets_of("m", halves or {1: 0.0}, labels, ("Goal",))


def test_events_at_the_first_and_the_last_moment_are_kept_and_those_outside_rejected() -> None:
    record = within_file(events_at(0, 9_999, 10_000, 10_001, 60_000), 10.0)
    assert [event["milliseconds"] for event in record["events"]] == [0, 9_999, 10_000]
    assert record["rejected_count"] == 2
    assert record["rejected"][0] == ["Goal at 10.001 s of half 1", "its half ends at 10 s"]
    assert record["seconds"] == 10.0


def test_an_event_after_the_end_of_its_half_is_not_of_the_next() -> None:
    labels = Labels((Event(1, 4_000, "Goal"), Event(1, 5_500, "Goal"), Event(2, 1_000, "Goal")))
    targets = targets_of("m", {1: 1.0, 2: 6.0}, labels, ("Goal",))
    record = within_file(targets, 20.0)
    assert [event["file_milliseconds"] for event in record["events"]] == [5_000, 7_000]
    assert record["half_ends"] == {"1": 6.0, "2": 20.0}


def test_the_ledger_counts_rejected_events(tmp_path: Path) -> None:
    path = write_numbered_clip(tmp_path / "a.mp4", range(50), 25)
    task = task_of(path)
    (result,) = place_events([task], {task.name: events_at(500, 9_000)})
    assert result.status == "ok" and result.reason == "1 events rejected"
    assert len(result.payload["events"]) == 1
