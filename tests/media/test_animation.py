"""The animation of a sequence: every frame once, in its time, with readable words below."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from media.clips import numbered_picture, read_number
from unmuted.engine.artifacts import write_artifact
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.ledger import LedgerEntry
from unmuted.media.animation import WIDTH, animate, durations, fitted_text
from unmuted.media.images import encode_images
from unmuted.systems.cnn_rnn import animation_job

TOP = [("PlayingCello", 51.75), ("Punch", 25.28), ("TennisSwing", 8.7)]
TIMES = np.arange(5) / 25
IMAGES = np.stack([numbered_picture(number) for number in (5, 9, 9, 1000, 4095)])


def pages(file: bytes) -> list[np.ndarray]:
    """Every page as it is shown, uint8 (H, W, 3)."""
    with Image.open(io.BytesIO(file)) as gif:
        return [np.asarray(page.convert("RGB")) for page in ImageSequence.Iterator(gif)]


def band(page: np.ndarray, images: np.ndarray = IMAGES) -> np.ndarray:
    """What is below the picture."""
    height, width = images.shape[1:3]
    return page[round(height * WIDTH / max(height, width)) :]


def test_every_frame_is_shown_once_also_where_neighbours_are_equal() -> None:
    found = pages(animate(IMAGES, TIMES, TOP))
    assert [read_number(page[:180]) for page in found] == [5, 9, 9, 1000, 4095]


def test_it_loops_for_ever_at_the_pace_of_the_frames() -> None:
    with Image.open(io.BytesIO(animate(IMAGES, [0, 0.2, 0.5, 0.52, 9.0], TOP))) as gif:
        assert gif.format == "GIF" and gif.info["loop"] == 0
        shown = [page.info["duration"] for page in ImageSequence.Iterator(gif)]
    assert shown == [200, 300, 100, 1000, 1000]


def test_quick_and_slow_frames_can_be_watched() -> None:
    assert durations(np.arange(20) / 25) == [100] * 20
    assert durations(np.arange(4) * 0.166667) == [170] * 4
    assert durations(np.array([0.0])) == [1000]
    assert durations(np.array([0.0, 0.0, 60.0])) == [100, 1000, 1000]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((72, 128), (180, 320)),
        ((400, 300), (320, 320)),
        ((8, 64), (40, 320)),
        ((64, 8), (320, 320)),
    ],
)
def test_small_pictures_are_enlarged_and_large_ones_are_not_kept(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    images = np.full((2, *size, 3), 200, np.uint8)
    page = pages(animate(images, TIMES[:2], TOP))[0]
    height, width = expected
    assert page.shape == (height + 4 * 20 + 8, width, 3)
    picture = page[:height]
    assert (picture[:, WIDTH // 2] > 150).all()  # in the middle, however narrow
    share = (picture > 150).all(axis=2).mean()
    assert share == pytest.approx(min(1, size[1] / size[0]), abs=0.02)


def test_the_band_shows_its_text() -> None:
    plain = pages(animate(IMAGES, TIMES, TOP))
    for other in ([("PlayingViolin", 51.75), *TOP[1:]], [("PlayingCello", 51.76), *TOP[1:]]):
        changed = pages(animate(IMAGES, TIMES, other))
        assert all((band(a) != band(b)).any() for a, b in zip(plain, changed, strict=True))
        assert all((a[:180] == b[:180]).mean() > 0.9 for a, b in zip(plain, changed, strict=True))
    with_note = pages(animate(IMAGES, TIMES, TOP, "(a validation clip)"))
    assert (band(plain[0])[60:] != band(with_note[0])[60:]).any()


def test_the_band_is_readable() -> None:
    for fill in (0, 255):  # whatever the picture: light text on a dark ground
        images = np.full((1, 90, 160, 3), fill, np.uint8)
        text = band(pages(animate(images, TIMES[:1], TOP))[0], images)
        assert text.max() > 230 and np.median(text) < 40
        rows = (text.max(axis=(1, 2)) > 150).reshape(-1, 4).any(axis=1)
        assert rows.sum() >= 12  # three classes and the count


def test_a_long_label_is_cut_and_leaves_the_percentage_alone() -> None:
    long, longer = (pages(animate(IMAGES, TIMES, [("W" * n, 12.34)]))[0] for n in (60, 200))
    assert (long == longer).all()
    right = slice(WIDTH - 8 - 50, WIDTH)
    short = pages(animate(IMAGES, TIMES, [("W", 12.34)]))[0]
    difference = np.abs(band(short)[:20, right].astype(int) - band(long)[:20, right])
    assert difference.max() < 16  # no more than the palette does
    assert fitted_text("short", 100) == "short"
    assert fitted_text("W" * 60, 100).endswith("W...")


@settings(max_examples=40)
@given(label=st.text(max_size=30))
def test_any_label_can_be_drawn(label: str) -> None:
    assert len(pages(animate(IMAGES[:1], TIMES[:1], [(label, 1.0)], label))) == 1


@pytest.mark.parametrize(
    "label", ["첼로 연주", "<b>bold</b>", "两\n行", "\x1b[31m", "🎻", "\ud800"]
)
def test_labels_of_strangers_are_text(label: str) -> None:
    shape = pages(animate(IMAGES, TIMES, [("a", 1.0)]))[0].shape
    assert pages(animate(IMAGES, TIMES, [(label, 1.0)]))[0].shape == shape


def test_the_same_bytes_again() -> None:
    noise = np.random.default_rng(0).integers(0, 256, size=(3, 90, 120, 3), dtype=np.uint8)
    assert animate(noise, TIMES[:3], TOP) == animate(noise.copy(), TIMES[:3], list(TOP))


# --- the script -----------------------------------------------------------------------------------


def task(folder: Path, images: np.ndarray, **changes: object) -> Task:
    prediction = {"top": [{"label": label, "percent": p} for label, p in TOP]}
    prediction |= {"learnt_from": False, "validation": False, "trained_on": "groups", **changes}
    payloads = {
        "sequence_frames.safetensors": encode_images(images, TIMES[: len(images)], 1.0),
        "cnn_rnn_predictions.json": prediction,
    }
    inputs = {}
    for name, payload in payloads.items():
        path = folder / name
        digest, size = write_artifact(path, payload, "fingerprint")
        inputs[path.stem] = Artifact(
            path, LedgerEntry("clip", "ok", "", "fingerprint", digest, size, 0.0)
        )
    return Task("clip", "fingerprint", inputs)


def outcome(tmp_path: Path, images: np.ndarray, **changes: object) -> Result:
    (found,) = animation_job.draw([task(tmp_path, images, **changes)])
    return found


def test_the_script_draws_what_it_reads(tmp_path: Path) -> None:
    found = outcome(tmp_path, IMAGES, learnt_from=True)
    write_artifact(tmp_path / "clip.gif", found.payload, "fingerprint")
    drawn = pages((tmp_path / "clip.gif").read_bytes())
    assert IMAGES.shape[1:3] == (72, 128)
    seen = IMAGES[:, :, 28:100]  # the square in the middle
    expected = pages(animate(seen, TIMES, TOP, "(learnt from this source)"))
    assert all((a == b).all() for a, b in zip(drawn, expected, strict=True))
    assert found.status == "ok"


def test_a_clip_without_frames_is_a_finding(tmp_path: Path) -> None:
    found = outcome(tmp_path, IMAGES[:0])
    assert (found.payload, found.status) == (None, "no_frames")


@pytest.mark.parametrize(
    ("learnt_from", "validation", "split", "expected"),
    [
        (False, False, "groups", ""),
        (True, False, "groups", "(learnt from this source)"),
        (False, True, "groups", "(a validation clip)"),
        (False, False, "sorted_tail", "(seed mode: no honest answer)"),
        (True, True, "sorted_tail", "(seed mode: no honest answer)"),
    ],
)
def test_clips_that_prove_nothing_say_so(
    learnt_from: bool, validation: bool, split: str, expected: str
) -> None:
    prediction = {"learnt_from": learnt_from, "validation": validation, "trained_on": split}
    note = animation_job.note(prediction)
    assert note == expected
    assert fitted_text(note, WIDTH - 70) == note  # and there is room for it
