"""The picture of the demo: frames of some clips over their spectrograms."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import mlab
from matplotlib.figure import Figure

from unmuted.demo_world.plan import ClipSpec, plan_world
from unmuted.demo_world.render import render_clip
from unmuted.demo_world.synthesis import SAMPLE_RATE

FRAMES = 6
LOUDEST_DB, QUIETEST_DB = 0, -70
LABELS = ("striking drum", "ringing bell", "pouring water", "bouncing ball")


def demo_clips(labels: Sequence[str] = LABELS) -> Figure:
    """Draw one row for the first clip of each label: FRAMES frames and a spectrogram."""
    clips = [_first(label) for label in labels]
    figure = plt.figure(figsize=(13, 1.75 * len(clips)), layout="constrained")
    parts = figure.subfigures(len(clips), 1, squeeze=False)
    for part, spec in zip(parts[:, 0], clips, strict=True):
        clip = render_clip(spec)
        part.suptitle(f"{spec.label}: {clip.truth['caption']}", x=0.01, ha="left", fontsize=10)
        axes = part.subplots(1, FRAMES + 1, width_ratios=[1] * FRAMES + [2])
        chosen = np.linspace(0, len(clip.frames) - 1, FRAMES).astype(int)
        for axis, frame in zip(axes, clip.frames[chosen], strict=False):
            axis.imshow(frame)
            axis.set_axis_off()
        if clip.audio is not None:
            _draw_spectrogram(axes[-1], clip.audio)
    return figure


def _draw_spectrogram(axis: plt.Axes, audio: np.ndarray) -> None:
    spectrum, frequencies, times = mlab.specgram(audio, 1024, SAMPLE_RATE, noverlap=768)
    power = np.asarray(spectrum)
    level = 10 * np.log10(power / power.max() + 1e-12)
    axis.pcolormesh(times, np.asarray(frequencies) / 1e3, level, vmin=QUIETEST_DB, vmax=LOUDEST_DB)
    axis.set(ylim=(0, 8), ylabel="kHz", xlabel="seconds")


def _first(label: str) -> ClipSpec:
    specs = plan_world(None, 6, 7, 3.0)
    return next(spec for spec in specs if spec.label == label and spec.audio == "ok")
