"""What pages draw: pictures, sounds and rows lie where their numbers say."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from unmuted.media.wav import write_wav
from unmuted.site.page_images import BLUE, RED, THUMBNAIL, heat_image, level_image, thumbnail
from unmuted.site.page_sound import COLUMNS, read_shown_sound
from unmuted.site.page_timeline import LEFT, RIGHT, Timeline

RATE = 16_000


def decoded(uri: str, media_type: str) -> np.ndarray:
    """The picture of a data URI, uint8 (H, W, 3), RGB, or (H, W, 4), RGBA."""
    start = f"data:{media_type};base64,"
    assert uri.startswith(start)
    content = np.frombuffer(base64.b64decode(uri.removeprefix(start)), np.uint8)
    picture = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    return cv2.cvtColor(
        picture, cv2.COLOR_BGRA2RGBA if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB
    )


def test_a_thumbnail_is_the_picture_made_small() -> None:
    image = np.zeros((300, 600, 3), np.uint8)
    image[:, :300] = 255, 0, 0
    small = decoded(thumbnail(image), "image/jpeg")
    assert small.shape == (THUMBNAIL // 2, THUMBNAIL, 3)
    assert small[:, :70].mean(axis=(0, 1))[0] > 240
    assert small[:, 90:].max() < 20
    tiny = decoded(thumbnail(image[:8, :8]), "image/jpeg")
    assert tiny.shape == (8, 8, 3)  # never enlarged


def test_heat_has_one_colour_for_one_value_and_none_for_0() -> None:
    values = np.array([[-4.0, 0.0, 4.0], [1.0, -1.0, 9.0]])
    pixels = decoded(heat_image(values, 4.0), "image/png").astype(int)
    assert pixels.shape == (2, 3, 4)
    assert pixels[0, 1, 3] == 0  # the page is seen through it
    assert tuple(pixels[0, 0]) == (*BLUE, 255) and tuple(pixels[0, 2]) == (*RED, 255)
    assert tuple(pixels[1, 2]) == tuple(pixels[0, 2])  # beyond the scale
    assert tuple(pixels[1, 0]) == (*RED, 128) and tuple(pixels[1, 1]) == (*BLUE, 128)  # the root
    assert decoded(heat_image(np.zeros((1, 1)), 0.0), "image/png")[0, 0, 3] == 0


def test_the_lowest_band_is_at_the_bottom() -> None:
    pixels = decoded(level_image(np.array([[0.0], [-60.0]]), -60, 0), "image/png").sum(axis=2)
    assert pixels[1, 0] > pixels[0, 0]


@pytest.mark.parametrize("seconds", [2.0, 50.0])
def test_a_tone_stands_in_its_band_and_at_its_time(tmp_path: Path, seconds: float) -> None:
    """A tone in the second half, first a low one, then a high one: loud there and silent before."""
    time = np.arange(round(seconds * RATE)) / RATE
    bands = []
    for hertz in (300, 5000):
        samples = np.where(time >= seconds / 2, np.sin(2 * np.pi * hertz * time), 0)
        write_wav(tmp_path / "tone.wav", np.int16(16384 * samples), RATE)
        sound = read_shown_sound(tmp_path / "tone.wav")
        assert sound.seconds == seconds
        assert len(sound.low) == len(sound.high) == sound.mel.shape[1] == COLUMNS
        half = COLUMNS // 2
        assert not sound.low[: half - 1].any() and not sound.high[: half - 1].any()
        assert np.allclose(sound.high[half:], 0.5, atol=0.02)
        assert np.allclose(sound.low[half:], -0.5, atol=0.02)
        assert (sound.mel[:, : half - 5] == -100).all()
        loudest = sound.mel[:, half + 5 : -5]
        assert -8 < loudest.max() < -4  # half of full scale: -6 dB, spread over a triangle
        bands.append(set(loudest.argmax(axis=0).tolist()))
    assert len(bands[0]) == len(bands[1]) == 1
    assert max(bands[0]) < min(bands[1])


@pytest.mark.parametrize("count", [0, 1, 100])
def test_short_sound_has_fewer_columns(tmp_path: Path, count: int) -> None:
    write_wav(tmp_path / "short.wav", np.full(count, 99, np.int16), RATE)
    sound = read_shown_sound(tmp_path / "short.wav")
    assert len(sound.low) == max(1, count)
    assert np.isfinite(sound.mel).all()


def test_rows_of_a_timeline_lie_on_one_axis() -> None:
    timeline = Timeline(4.0)
    pictures = [(float(i), i + 1.0, f"data:image/png;base64,{i}") for i in range(4)]
    timeline.add_pictures("frames", pictures, 4 / 3, marked=[2])
    timeline.add_array("heat", "data:image/png;base64,heat", 100)
    timeline.add_steps("cosine", np.array([1.0, -1.0, 0.0, 1.0]), -1, 1, 50)
    timeline.add_moments("events", [(1.0, "goal"), (3.0, "foul")])
    timeline.add_axis(shown_s=2.0)
    assert timeline.x(0) == LEFT and timeline.x(4) == RIGHT
    for i, picture in enumerate(timeline.pictures[:4]):
        assert picture.x + picture.width / 2 == pytest.approx(timeline.x(i + 0.5), abs=0.1)
    heat = timeline.pictures[4]
    assert (heat.x, heat.x + heat.width) == (LEFT, RIGHT)
    marked, *others = [shape for shape in timeline.shapes if shape.kind == "mark"]
    assert marked.path.startswith(f"M{timeline.pictures[2].x} ")
    strokes = re.findall(r"M([\d.]+) ", others[0].path)
    assert [float(x) for x in strokes] == [timeline.x(1), timeline.x(3)]
    (curve,) = [shape for shape in timeline.shapes if shape.kind == "curve"]
    points = [tuple(map(float, one.split())) for one in curve.path[1:].split("L")]
    assert [x for x, _ in points] == pytest.approx(
        [timeline.x(i) for i in (0, 1, 1, 2, 2, 3, 3, 4)], abs=0.01
    )
    highest, lowest, middle = points[0][1], points[2][1], points[4][1]
    assert highest == pytest.approx(lowest - 50) and middle == pytest.approx(lowest - 25)
    (limit,) = [shape for shape in timeline.shapes if shape.kind == "limit"]
    assert limit.path.startswith(f"M{timeline.x(2.0)} ")
    bottoms = [one.y + one.height for one in timeline.pictures]
    assert max(bottoms) < timeline.height


def test_rows_do_not_overlap() -> None:
    timeline = Timeline(1.0)
    timeline.add_array("first", "data:,", 40)
    timeline.add_envelope("second", np.full(3, -0.5), np.full(3, 0.25), 60)
    timeline.add_array("third", "data:,", 40)
    first, third = timeline.pictures
    (area,) = timeline.shapes
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", area.path)]
    assert first.y + first.height < min(heights) and max(heights) < third.y
    title = next(words for words in timeline.words if words.text == "third")
    assert max(heights) < title.y < third.y


@pytest.mark.parametrize("seconds", [0.04, 1.0, 7.3, 3600.0, 14_400.0])
def test_an_axis_has_few_ticks_that_read_their_times(seconds: float) -> None:
    timeline = Timeline(seconds)
    timeline.add_axis()
    ticks = [words for words in timeline.words if words.text != "time in s"]
    assert 2 <= len(ticks) <= 11
    for words in ticks:
        assert words.x == pytest.approx(timeline.x(float(words.text)), abs=0.5)
