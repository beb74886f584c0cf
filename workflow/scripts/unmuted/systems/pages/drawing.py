"""The rows of a video's page that share its axis of time, drawn from what stages left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.engine.executor import Artifact
from unmuted.media.images import decode_images
from unmuted.site.page_images import heat_image, level_image, thumbnail
from unmuted.site.page_sound import FLOOR_DB, ShownSound, read_shown_sound
from unmuted.site.page_timeline import Timeline
from unmuted.site.sections import Cell, Table
from unmuted.systems.segmentation.artifacts import open_pictures
from unmuted.systems.segmentation.marking import HYPOTHETICAL, NOTES, STATUSES
from unmuted.systems.segmentation.native_masks import draw_mask, native_mask, write_note

MOST_PICTURES = 24  # in a strip
MOST_THUMBNAILS = 24  # beside captions
_SHOWN_DB = 60.0  # below the loudest value of a spectrogram

Inputs = Mapping[str, Artifact]


@dataclass(frozen=True)
class Strip:
    """The stored frames of a video: pictures uint8 (T, H, W, 3), and when each is shown (T,).

    seconds: of the video. is_even: whether each stands for an equal stretch of the video.
    """

    images: np.ndarray
    times: Sequence[float]
    seconds: float
    is_even: bool

    @classmethod
    def read(cls, artifact: Artifact, is_even: bool) -> Strip:
        """Read an artifact of frames or flow."""
        tensors = artifact.tensors()
        seconds = float(tensors["duration"][0])
        return cls(decode_images(tensors), tensors["timestamps"].tolist(), seconds, is_even)

    def stretch(self, first: int, count: int) -> tuple[float, float]:
        """Return begin and end of `count` frames from the first one, in seconds."""
        total = len(self.times)
        last = min(first + count, total)
        if self.is_even:
            return self.seconds * first / total, self.seconds * last / total
        return self.times[first], self.times[last] if last < total else self.seconds


def add_strip(timeline: Timeline, title: str, strip: Strip, marked: Sequence[int] = ()) -> None:
    """Add at most MOST_PICTURES frames of a strip; marked: indices among all of them."""
    every = -(-len(strip.images) // MOST_PICTURES)
    shown = range(0, len(strip.images), every)
    pictures = [(*strip.stretch(i, every), thumbnail(strip.images[i])) for i in shown]
    height, width = strip.images.shape[1:3]
    places = [i // every for i in marked if i % every == 0]
    more = f", every {every}th" if every > 1 else ""
    timeline.add_pictures(f"{title}{more}", pictures, width / height, places)


def add_masks(timeline: Timeline, frames: Artifact, masks: Artifact) -> None:
    """Add the picture of each second with its mask and its note, at most MOST_PICTURES.

    frames, masks: artifacts of `avs_frames` and `avs_masks`.
    """
    marked = masks.tensors()
    threshold = float(marked["threshold"][0])
    statuses = [STATUSES[index] for index in marked["statuses"].tolist()]
    with open_pictures(frames) as pictures, frames.open_tensors() as file:
        starts, ends = file.rows("starts"), file.rows("ends")
        every = -(-pictures.seconds // MOST_PICTURES)
        height, width = pictures.content
        shown = []
        seconds = range(0, pictures.seconds, every)
        for second in seconds:
            picture = pictures.read(second, second + 1)[0, :height, :width].copy()
            stored = marked["probabilities"][second]
            draw_mask(picture, native_mask(stored, (height, width), (height, width), threshold))
            if note := NOTES.get(statuses[second]):
                write_note(picture, note)
            last = min(second + every, pictures.seconds) - 1
            shown.append((float(starts[second]), float(ends[last]), thumbnail(picture)))
    more = f", every {every}th" if every > 1 else ""
    title = f"What sounds, in the middle picture of each second{more}"
    if guessed := sum(statuses[second] == HYPOTHETICAL for second in seconds):
        title += f"; {guessed} of {len(seconds)} hypothetical, from generated audio"
    timeline.add_pictures(title, shown, width / height)


def add_sound(timeline: Timeline, artifact: Artifact) -> list[Table]:
    """Add the waveform and the mel spectrogram of a sound; return their numbers."""
    sound = read_shown_sound(artifact.checked_path())
    timeline.add_envelope(
        "Waveform of the real sound (share of full scale)", sound.low, sound.high, 70
    )
    high = float(sound.mel.max())
    low = max(high - _SHOWN_DB, FLOOR_DB)
    title = f"Mel spectrogram of the real sound ({low:.0f} to {high:.0f} dB of full scale)"
    ends = f"{sound.rate / 2000:g} kHz", "0 kHz"
    timeline.add_array(title, level_image(sound.mel, low, max(high, low + 1)), 110, ends)
    return _sound_tables(sound)


def add_features(timeline: Timeline, arrays: Mapping[str, np.ndarray], of_seeds: str) -> None:
    """Add real above generated features on one scale, and their cosine at each step.

    of_seeds: says of how many generators the features are the mean.
    """
    generated, real = arrays["generated"], arrays.get("real")
    both = generated if real is None else np.concatenate([generated, real])
    scale = max(float(np.abs(both).max()), 1e-6)
    ends = "first", "last"
    heat = f"blue -{scale:.3g}, none 0, red +{scale:.3g}, by square root"
    if real is not None:
        timeline.add_array(f"Real audio features ({heat})", heat_image(real.T, scale), 110, ends)
    title = f"Generated audio features, {of_seeds} ({heat})"
    timeline.add_array(title, heat_image(generated.T, scale), 110, ends)
    if "cosine" in arrays:
        title = f"Cosine of generated ({of_seeds}) and real features at each step"
        timeline.add_steps(title, arrays["cosine"], -1.0, 1.0, 70)


def thumbnails_of(strip: Strip, steps: Sequence[int]) -> dict[int, str]:
    """Return the frames at these steps as pictures; the first MOST_THUMBNAILS of them."""
    return {step: thumbnail(strip.images[step]) for step in steps[:MOST_THUMBNAILS]}


def _sound_tables(sound: ShownSound) -> list[Table]:
    columns = len(sound.low)
    middles = [round(sound.seconds * (i + 0.5) / columns, 4) for i in range(columns)]
    envelope: list[list[Cell]] = [
        [time, round(float(low), 5), round(float(high), 5)]
        for time, low, high in zip(middles, sound.low, sound.high, strict=True)
    ]
    levels: list[list[Cell]] = [
        [time, *(round(float(level), 1) for level in window)]
        for time, window in zip(middles, sound.mel.T, strict=True)
    ]
    bands = [f"band {i + 1} (dB)" for i in range(len(sound.mel))]
    return [
        Table(["time (s)", "least", "largest"], envelope, "Waveform", "waveform"),
        Table(["time (s)", *bands], levels, "Mel spectrogram, lowest band first", "mel"),
    ]
