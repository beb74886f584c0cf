"""Pictures and sound of the seconds of videos of every length and kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from media.clips import read_number, run_ffmpeg, write_clip_with_sound, write_numbered_clip
from unmuted.checkout import ROOT
from unmuted.config.validation import check_config
from unmuted.dataset.limits import video_limits
from unmuted.dataset.videos import Video
from unmuted.engine.artifacts import read_tensors
from unmuted.engine.executor import Result, Task
from unmuted.engine.tensors import TensorFile, TensorSpool
from unmuted.media.ffmpeg import MediaError
from unmuted.media.probe import probe
from unmuted.media.second_frames import second_spans
from unmuted.media.wav import read_wav, rms_db, write_wav
from unmuted.models.loading import from_config
from unmuted.systems.segmentation.artifacts import CONDITIONS, open_pictures
from unmuted.systems.segmentation.audio_job import RATE, SecondSounds
from unmuted.systems.segmentation.frames_job import SecondPictures

AST = {"path": "resources/tiny_models/ast", "dtype": "float32"}


def settings(**avs: object) -> dict[str, Any]:
    videos = {"source": "demo", "max_seconds": 7300, "max_megapixels": 4}
    models = dict.fromkeys(("vit", "ast", "blip"), AST)
    return check_config({"videos": videos, "avs": {"short_side": 48, **avs}, "models": models})


CONFIG = settings()
LIMITS = video_limits(CONFIG)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def listener() -> SecondSounds:
    spec = from_config(AST, ROOT, "ast")
    return SecondSounds(SimpleNamespace(config=CONFIG, threads=1, model_spec=lambda role: spec))


def written(result: Result, path: Path) -> Any:
    """The artifact of a result, as a stage that reads it gets it."""
    assert result.payload is not None, result
    result.payload.write(path, {})
    row = SimpleNamespace(status=result.status, reason=result.reason)
    return SimpleNamespace(open_tensors=lambda: TensorFile(path), row=row, path=path)


def pictures_of(path: Path, tmp_path: Path, config: dict[str, Any] = CONFIG) -> tuple[Any, Any]:
    """Result and artifact of the pictures of a video."""
    found = probe(path, LIMITS)
    video = Video(path.stem[:40], path, None, None, path.stem, root=path.parent)
    task = Task(video.video_id, "f", {"probe": SimpleNamespace(json=found.as_json)}, video)
    (result,) = SecondPictures(SimpleNamespace(config=config)).take([task])
    artifact = None if result.payload is None else written(result, tmp_path / "p.safetensors")
    return result, artifact


def heard(
    listener: SecondSounds, pictures: Any, samples: np.ndarray | None, tmp_path: Path, name: str
) -> tuple[Result, dict[str, np.ndarray]]:
    """The sound of seconds from samples on the clock of the video; None: no stream."""
    inputs = {"avs_frames": pictures}
    if samples is not None:
        write_wav(tmp_path / "s.wav", samples, RATE)
        row = SimpleNamespace(status="ok", reason="")
        inputs["wav"] = SimpleNamespace(row=row, checked_path=lambda: tmp_path / "s.wav")
    (result,) = listener.hear([Task(name, "f", inputs)])
    return result, read_tensors(written(result, tmp_path / "s.safetensors").path)


def seconds_of(ends: list[float], tmp_path: Path) -> Any:
    """Pictures of which nothing is known but where the seconds end."""
    spool = TensorSpool()
    spool.append("ends", np.array(ends))
    return written(Result("a", spool), tmp_path / f"{len(ends)}.safetensors")


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (3000 * rng.normal(size=round(seconds * RATE))).astype(np.int16)


@pytest.mark.parametrize(
    ("duration", "ends"),
    [
        (3.0, [1, 2, 3]),
        (2.999_999, [1, 2, 2.999_999]),
        (2.4, [1, 2]),
        (2.5, [1, 2, 2.5]),
        (0.2, [0.2]),
        (1.04, [1]),
    ],
)
def test_a_last_part_of_a_second_counts_from_half_a_second_on(
    duration: float, ends: list[float]
) -> None:
    starts, found = second_spans(duration)
    assert found.tolist() == ends and starts.tolist() == list(range(len(ends)))


@pytest.mark.parametrize("at", [0.5, 0.9375])
def test_each_second_shows_the_picture_at_its_place(at: float, tmp_path: Path) -> None:
    """Pictures show their time in hundredths of a second, at a rate that varies."""
    ticks = [0, 30, 45, 50, 51, 90, 94, 120, 149, 151, 190, 194, 200, 230, 256, 259]
    clip = write_numbered_clip(tmp_path / "a.mkv", ticks)
    _, artifact = pictures_of(clip, tmp_path, settings(frame_at=at))
    with open_pictures(artifact) as pictures:
        starts, ends = (pictures.file.rows(name) for name in ("starts", "ends"))
        assert ends[-1] == probe(clip, LIMITS).duration_s and 2.5 < ends[-1] < 3
        wanted = 100 * (starts + at * (ends - starts))
        expected = [max(tick for tick in ticks if tick <= time + 1e-3) for time in wanted]
        times = pictures.file.rows("frame_times")
        assert [round(100 * time) for time in times] == expected
        height, width = pictures.content
        assert (height, width) == (48, 85) and pictures.native == (72, 128)
        crops = [image[:height, :width] for image in pictures.read(0, 9)]
        assert [read_number(crop) for crop in crops] == expected


def test_a_squashed_picture_is_a_square(tmp_path: Path) -> None:
    clip = write_numbered_clip(tmp_path / "a.mp4", range(100))
    _, artifact = pictures_of(clip, tmp_path, settings(resize="squash", short_side=64))
    with open_pictures(artifact) as pictures:
        assert pictures.content == (64, 64) and pictures.inside.all()
        assert read_number(pictures.read(0, 1)[0]) == 50


def test_a_second_is_the_same_whatever_follows_its_window(
    listener: SecondSounds, tmp_path: Path
) -> None:
    sound = noise(12.5)
    _, short = heard(listener, seconds_of([1, 2, 3, 4, 5], tmp_path), sound[: 5 * RATE],
                     tmp_path, "a")  # fmt: skip
    ends = [*range(1, 13), 12.5]
    _, long = heard(listener, seconds_of(ends, tmp_path), sound, tmp_path, "a")
    assert len(long["own"]) == 13 and len(short["own"]) == 5
    for condition in CONDITIONS:
        assert (short[condition] == long[condition][:5]).all(), condition
    assert (short["rms_db"] == long["rms_db"][:5]).all()
    # the last window is shifted back: it sees what is before it and no second twice
    _, tail = heard(listener, seconds_of([1, 2, 3, 4, 4.5], tmp_path), sound[8 * RATE :],
                    tmp_path, "a")  # fmt: skip
    assert (tail["own"][2:] == long["own"][10:]).all()


def test_a_seconds_features_and_level_are_of_its_own_sound(
    listener: SecondSounds, tmp_path: Path
) -> None:
    sound = noise(4)
    sound[2 * RATE : 3 * RATE] = 0
    seconds = seconds_of([1, 2, 3, 4], tmp_path)
    _, before = heard(listener, seconds, noise(4), tmp_path, "a")
    _, found = heard(listener, seconds, sound, tmp_path, "a")
    changed = np.abs(found["own"] - before["own"]).mean(axis=1)
    assert changed[2] > 0.1 and not changed[:2].any()  # the tiny AST takes 2 s at once
    assert found["rms_db"][2] == -140
    assert found["rms_db"][0] == pytest.approx(rms_db(sound[:RATE]), abs=1e-4)


def test_swapped_sound_is_the_donors_own_to_the_bit(listener: SecondSounds, tmp_path: Path) -> None:
    seconds, sound = seconds_of([1, 2, 3], tmp_path), noise(3)
    _, own = heard(listener, seconds, sound, tmp_path, "donor")
    _, other = heard(listener, seconds, sound, tmp_path, "receiver")
    assert (own["own"] == other["own"]).all() and (own["noise"] != other["noise"]).any()
    # in whatever company it is computed
    inputs = {"avs_frames": seconds}
    alone = Task("none", "f", inputs)
    write_wav(tmp_path / "t.wav", sound, RATE)
    row = SimpleNamespace(status="ok", reason="")
    wav = SimpleNamespace(row=row, checked_path=lambda: tmp_path / "t.wav")
    tasks = [alone, Task("donor", "f", {**inputs, "wav": wav}), alone]
    results = list(listener.hear(tasks))
    assert [result.name for result in results] == ["none", "donor", "none"]
    found = read_tensors(written(results[1], tmp_path / "t.safetensors").path)
    assert (found["own"] == own["own"]).all()


def test_silence_and_missing_sound_are_told_apart(listener: SecondSounds, tmp_path: Path) -> None:
    seconds = seconds_of([1, 2, 3], tmp_path)
    _, silent = heard(listener, seconds, np.zeros(3 * RATE, np.int16), tmp_path, "a")
    result, missing = heard(listener, seconds, None, tmp_path, "a")
    assert result.status == "no_stream" and not missing["valid"].any()
    assert silent["valid"].all() and (silent["rms_db"] == -140).all()
    for found in (silent, missing):
        assert (found["own"] == found["silence"]).all()
        assert (found["noise"] != found["silence"]).any()  # noise can be heard, even so
    assert np.isfinite(silent["own"]).all()


def test_a_long_sound_is_read_window_by_window(
    listener: SecondSounds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more than a window's samples are in memory, however long the sound is."""
    import wave

    longest = 0
    true_read = wave.Wave_read.readframes

    def counted(self: wave.Wave_read, count: int) -> bytes:
        nonlocal longest
        longest = max(longest, count)
        return true_read(self, count)

    monkeypatch.setattr(wave.Wave_read, "readframes", counted)
    ends = [float(second) for second in range(1, 24)]
    _, found = heard(listener, seconds_of(ends, tmp_path), noise(23), tmp_path, "a")
    assert longest == 5 * RATE and len(found["own"]) == 23
    assert len({row.tobytes() for row in found["own"]}) == 23


def test_pictures_of_a_long_video_are_read_in_slices(tmp_path: Path) -> None:
    run_ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=size=64x48:rate=5:duration=90"),
        *("-c:v", "libx264", "-preset", "ultrafast", tmp_path / "long.mp4"),
    )
    result, artifact = pictures_of(tmp_path / "long.mp4", tmp_path)
    assert result.status == "ok"
    with open_pictures(artifact) as pictures:
        assert pictures.seconds == 90
        assert (pictures.read(88, 90)[0] != pictures.read(0, 1)[0]).any()
        assert pictures.read(85, 95).shape == (5, 64, 64, 3)


def test_a_clip_with_sound_on_the_videos_clock(listener: SecondSounds, tmp_path: Path) -> None:
    """A beep in the second second of three, from the file to the level of each second."""
    beep = "aevalsrc=0.5*between(t\\,1.2\\,1.6)*sin(2*PI*1000*t):d=3:s=44100"
    clip = write_clip_with_sound(tmp_path / "a.mp4", beep)
    _, pictures = pictures_of(clip, tmp_path)
    samples = read_wav(clip, probe(clip, LIMITS)).samples
    _, found = heard(listener, pictures, samples, tmp_path, "a")
    assert found["rms_db"][1] > -20 and (found["rms_db"][[0, 2]] < -60).all()


EXPECTED = {
    "audio_only.mp4": "no_video",
    "audio_with_cover_picture.mp4": "no_video",
    "zero_byte.mp4": "empty",
    "huge_8192x8192.mp4": "too_large",
    "one_frame.mp4": 1,
    "short_0.2s.mp4": 1,
    "audio_longer.mp4": 1,
    "variable_frame_rate.mp4": 3,
    "rotated_90.mp4": 3,
    "odd_101x77.webm": 3,
}


def test_bad_media(listener: SecondSounds, shared: Path, tmp_path: Path) -> None:
    """Every damaged or odd file has pictures and sound, or a status; none stops the others."""
    found: dict[str, Any] = {}
    paths = [path for path in sorted((shared / "bad_media").glob("*.*")) if path.suffix != ".md"]
    for path in paths:
        if path.suffix == ".tar" or path.name == "two_hours.mp4":
            continue
        try:
            result, pictures = pictures_of(path, tmp_path)
        except MediaError as error:  # of the probe
            found[path.name] = error.status
            continue
        if pictures is None:
            found[path.name] = result.status
            continue
        with open_pictures(pictures) as images:
            count = found[path.name] = images.seconds
            assert images.read(0, count).shape == (count, images.height, images.width, 3)
            assert min(images.content) >= 16
            if path.name == "rotated_90.mp4":
                assert images.content == (85, 48) and images.native == (256, 144)
        wav = read_wav(path, probe(path, LIMITS), limits=LIMITS)
        _, sound = heard(listener, pictures, wav.samples, tmp_path, "a")
        assert np.isfinite(sound["own"]).all() and len(sound["own"]) == count
        assert sound["valid"].any() == (wav.samples is not None)
        if path.name in ("video_only.mp4", "silent_audio.mp4"):
            assert (sound["own"] == sound["silence"]).all()
    assert len(found) >= 20 and EXPECTED.items() <= found.items(), found
    assert "not_allowed" in found.values()


def test_two_hours_of_pictures(shared: Path, tmp_path: Path) -> None:
    result, artifact = pictures_of(shared / "bad_media" / "two_hours.mp4", tmp_path)
    assert result.status == "ok"
    with open_pictures(artifact) as pictures:
        assert pictures.seconds == 7200
