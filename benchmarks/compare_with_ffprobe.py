"""Compare a finished run over real videos with what ffprobe and plain ffmpeg say of the same files.

Run as `python benchmarks/compare_with_ffprobe.py config/mine.yaml results/comparison.md` after
`snakemake --configfile config/mine.yaml features`. It needs an ffprobe in the PATH, which the
workflow does not: every frame's time is checked against ffprobe's list of presentation times, every
wav's level and length against ffmpeg's own measure of the sound. Nothing here shares code with the
stages that it checks, apart from reading what they wrote.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import wave
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from unmuted.engine.ledger import read_rows
from unmuted.engine.run import Run
from unmuted.pipeline.registry import open_run

STAGES = ("probe", "frames", "wav", "representative_frames", "captions", "mapping", "ast")
LATE_S = 2e-6  # times are stored in microseconds


@dataclass(frozen=True)
class Shown:
    """What ffprobe says of the picture: times after the first frame (n,), the end, in seconds."""

    times: np.ndarray
    end: float


@dataclass(frozen=True)
class Heard:
    """What ffmpeg says of the first audio stream: RMS level in dB of full scale, channels."""

    level_db: float
    channels: int


def ffprobe_frames(path: Path) -> Shown:
    """Presentation times of all frames of the first real video stream."""
    entries = "stream=time_base:frame=best_effort_timestamp,duration,pkt_duration"
    found = _ffprobe(path, "-select_streams", "V:0", "-show_entries", entries)
    frames = [frame for frame in found["frames"] if "best_effort_timestamp" in frame]
    untimed = len(found["frames"]) - len(frames)  # the last of old AVIs: one frame later each
    numerator, denominator = map(int, found["streams"][0]["time_base"].split("/"))
    ticks = np.array([int(frame["best_effort_timestamp"]) for frame in frames])
    last = frames[-1]
    length = int(last.get("duration") or last.get("pkt_duration") or np.diff(ticks)[-1])
    ticks = np.append(ticks, ticks[-1] + length * np.arange(1, untimed + 1))
    seconds = (ticks - ticks[0]) * numerator / denominator
    return Shown(seconds, seconds[-1] + length * numerator / denominator)


def ffmpeg_sound(path: Path) -> Heard | None:
    """The level of the first audio stream; None where there is none, or none that decodes."""
    found = _ffprobe(path, "-select_streams", "a:0", "-show_entries", "stream=channels")
    if not found["streams"]:
        return None
    command = ["ffmpeg", "-nostdin", "-i", path, "-map", "0:a:0", "-af", "volumedetect"]
    done = subprocess.run([*command, "-f", "null", "-"], capture_output=True, check=True)
    level = re.search(rb"mean_volume: (\S+) dB", done.stderr)
    return Heard(float(level[1]), found["streams"][0]["channels"]) if level else None


def _ffprobe(path: Path, *arguments: str) -> dict:
    command = ["ffprobe", "-v", "error", "-of", "json", *arguments, path]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def wav_level(path: Path) -> tuple[float, float]:
    """RMS level in dB of full scale and length in seconds of a 16-bit wav."""
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
        level = 10 * np.log10(max(np.mean(samples**2), 1e-20))
        return float(level), len(samples) / file.getframerate()


def frame_errors(stored: np.ndarray, shown: Shown) -> np.ndarray:
    """|stored - right| (T,): right is the last frame presented at or before each step's middle."""
    steps = len(stored)
    wanted = (np.arange(steps) + 0.5) / steps * shown.end
    right = shown.times[np.searchsorted(shown.times, wanted + 5e-6, side="right") - 1]
    return np.abs(stored - right)


def compare(project: Run) -> dict[str, object]:
    """Every video of the run against ffprobe and ffmpeg: numbers for the page."""
    frames = project.store.artifacts("frames", project.dataset.videos)
    wavs = project.store.artifacts("wav", project.dataset.videos)
    errors, wrong_frames, lengths, mono, several, pauses = {}, {}, [], [], [], []
    for name, artifact in frames.items():
        shown = ffprobe_frames(project.dataset.videos[name].path)
        stored = artifact.tensors()["timestamps"]
        error = frame_errors(stored, shown)
        errors[name] = error.max()
        if (error > LATE_S).any():
            wrong_frames[name] = f"{(error > LATE_S).sum()} of {len(error)}, {error.max():.6f} s"
        pauses.append(np.ptp(np.diff(shown.times)) > 1e-3)
        if name in wavs:
            level, seconds = wav_level(wavs[name].checked_path())
            lengths.append(seconds - shown.end)
            heard = ffmpeg_sound(project.dataset.videos[name].path)
            (mono if heard.channels == 1 else several).append(level - heard.level_db)
    return {
        "frames": len(frames),
        "variable": int(sum(pauses)),
        "worst_error_s": max(errors.values()),
        "wrong_frames": wrong_frames,
        "wavs": len(wavs),
        "wav_minus_picture_s": _range(lengths),
        "mono_db": _range(mono),
        "several_db": _range(several),
        "mono": len(mono),
        "several": len(several),
    }


def _range(values: list[float]) -> tuple[float, float, float]:
    return min(values), float(np.median(values)), max(values)


def statuses(project: Run) -> dict[str, Counter[str]]:
    """How many videos of each status, by stage."""
    return {
        stage: Counter(
            row.status
            for shard in project.dataset.shards
            for row in read_rows(project.layout.ledger(stage, shard)).values()
        )
        for stage in STAGES
    }


def page(found: dict[str, object], counts: dict[str, Counter[str]]) -> str:
    """The comparison in Markdown."""
    wrong = [f"- {name}: {what}" for name, what in found["wrong_frames"].items()]
    spread = "{:.4f} to {:.4f} (median {:.4f})"
    low, middle, high = found["wav_minus_picture_s"]
    rows = [
        f"| {stage} | {', '.join(f'{n} {status}' for status, n in count.most_common())} |"
        for stage, count in counts.items()
    ]
    mono, several = (found[key] for key in ("mono_db", "several_db"))
    return "\n".join(
        [
            f"- Frames of {found['frames']} videos ({found['variable']} with frames of unequal "
            f"length): the frame ffprobe finds presented at each step, in all but "
            f"{len(found['wrong_frames'])}; largest difference of a time "
            f"{found['worst_error_s'] * 1e6:.1f} microseconds.",
            *wrong,
            f"- {found['wavs']} wavs; length minus the picture's, in seconds: "
            + spread.format(low, high, middle)
            + ".",
            f"- Level minus ffmpeg's measure of the stream, in dB: {found['mono']} mono streams "
            f"{mono[0]:+.2f} to {mono[2]:+.2f} (median {mono[1]:+.2f}); {found['several']} with "
            f"more channels {several[0]:+.2f} to {several[2]:+.2f} (median {several[1]:+.2f}).",
            "",
            "| stage | videos by status |",
            "|---|---|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("configuration", type=Path)
    parser.add_argument("page", type=Path, help="where the Markdown goes")
    arguments = parser.parse_args()
    run = open_run(yaml.safe_load(arguments.configuration.read_text()))
    text = page(compare(run), statuses(run))
    arguments.page.write_text(text)
    print(text)
