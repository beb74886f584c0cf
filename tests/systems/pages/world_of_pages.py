"""A made corpus with all that pages read of a video: sounds, a copy for the player, ledgers."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import chdir
from pathlib import Path

import numpy as np

from guards.corpus import MadeClip, drawn_for, make_clips
from guards.world import World, make_world
from media.clips import run_ffmpeg
from unmuted.engine.artifacts import write_artifact
from unmuted.engine.ledger import OK, LedgerEntry, write_rows
from unmuted.engine.run import Run
from unmuted.media.preview import make_preview
from unmuted.media.probe import Limits, probe
from unmuted.media.wav import write_wav
from unmuted.pipeline.registry import STAGES

SECONDS, RATE = 1.0, 16_000
GENERATING = ("label_embeddings", "sources", "projection", "prototypes", "generator", "generated")
# Of these nothing is made: a page says so.
ABSENT = ("frames", "flow", "representative_frames", "trained_mapping", "predictions")
PAGES = ("sound_library", "sound_previews", "pages")


def make_pages_world(folder: Path, clips: Iterable[MadeClip] | None = None) -> World:
    """A world with generated audio, but without previews and pages; test videos are selected."""
    world = make_world(folder / "world", list(make_clips() if clips is None else clips))
    write_media(world, folder / "media")
    return world.run(*GENERATING)


def write_media(world: World, folder: Path, absent: Iterable[str] = ABSENT) -> None:
    """Write probes, sounds and copies of all clips; a copy has been selected for test clips.

    absent: stages whose ledgers say that they made nothing.
    """
    folder.mkdir()
    run_ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc=size=64x48:rate=10:duration={SECONDS}"),
        *("-pix_fmt", "yuv420p", folder / "clip.mkv"),
    )
    found = probe(folder / "clip.mkv", Limits())
    make_preview(folder / "clip.mkv", found, None, 64, 30, Limits()).write(folder / "clip.mp4")
    copy = (folder / "clip.mp4").read_bytes()
    by_id = {clip.video_id: clip for clip in world.clips}
    for name in by_id:
        source = world.folder / "videos" / f"{name}.mp4"
        source.write_bytes((folder / "clip.mkv").read_bytes())
    with chdir(world.folder):
        run = world.project()
        for shard, videos in run.dataset.shards.items():
            rows: dict[str, list[LedgerEntry]] = {"probe": [], "wav": [], "clip_copies": []}
            for name in videos:
                clip = by_id[name]
                rows["probe"].append(_write(run, "probe", shard, name, found.as_json()))
                heard = clip.tokens is not None
                rows["wav"].append(
                    _write(run, "wav", shard, name, lambda path, of=clip: write_sound(path, of))
                    if heard
                    else absent_row(name, "no_stream")
                )
                selected = clip.split == "test"
                rows["clip_copies"].append(
                    _write(run, "clip_copies", shard, name, lambda path: path.write_bytes(copy))
                    if selected
                    else absent_row(name, "not_selected")
                )
            for stage, of_stage in rows.items():
                write_rows(run.layout.ledger(stage, shard), of_stage)
            for stage in absent:
                gone = [absent_row(name, "not_made", f"no {stage}") for name in videos]
                path = run.layout.ledger(stage, shard)
                path.parent.mkdir(parents=True, exist_ok=True)
                write_rows(path, gone)


def sound_of(video_id: str) -> np.ndarray:
    """The sound of a clip, int16 (n,), like no other's."""
    return np.int16(
        3000 * drawn_for("wav", video_id).normal(size=round(SECONDS * RATE)).clip(-3, 3)
    )


def write_sound(path: Path, clip: MadeClip) -> None:
    """Write the wav file of a clip."""
    write_wav(path, sound_of(clip.video_id), RATE)


def absent_row(name: str, status: str, reason: str = "made so") -> LedgerEntry:
    """The row of a video of which a stage made nothing."""
    return LedgerEntry(name, status, reason, "made", "", 0, 0.0)


def _write(run: Run, stage: str, shard: str, name: str, payload: object) -> LedgerEntry:
    path = run.layout.folder(stage, shard) / f"{name}{STAGES[stage].suffix}"
    digest, size = write_artifact(path, payload, "made")
    return LedgerEntry(name, OK, "", "made", digest, size, 0.0)
