"""What finds the spots of a shard's recordings: trained spotters, a ready one, or loudness."""

from __future__ import annotations

from functools import partial

from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip, load_clips
from unmuted.samples.fits import ONLY_FIT
from unmuted.samples.source_groups import read_canonical_clips
from unmuted.systems.highlights.context import Fitted
from unmuted.systems.highlights.loading import EVENTS, SOUND, SOURCES, STEPS


def serve_shard(job: Job) -> None:
    """Bring the spots of the job's shard up to date."""
    highlights = job.config["highlights"]
    if highlights["method"] == "loudness":
        _by_loudness(job)
    elif highlights["spotter"]["path"] is not None:
        _with_ready_spotter(job)
    else:
        _with_trained_spotters(job)


def _by_loudness(job: Job) -> None:
    from unmuted.systems.highlights.ready_spots_job import spot_by_loudness

    job.run_shard(partial(spot_by_loudness, clips=_clips(job), job=job))


def _with_ready_spotter(job: Job) -> None:
    from unmuted.systems.highlights.ready_spots_job import ready_spotter, spot_with, trained_on

    clips, spotter = _clips(job), ready_spotter(job)
    known = trained_on(spotter, clips)
    extra = {name: [spotter.digest(), known[name]] for name in clips}
    compute = partial(spot_with, clips=clips, spotter=spotter, known=known, job=job)
    job.run_shard(compute, extra)


def _with_trained_spotters(job: Job) -> None:
    from unmuted.systems.highlights.spots_job import spot_shard

    sources, clips = read_canonical_clips(job, [SOUND, EVENTS], STEPS, SOURCES)
    fits, selection = job.fits_by_seed("spotter"), job.fits("spotter_selection")[ONLY_FIT]
    fitted = Fitted.of(job)
    read = [
        [artifact.row.digest for by_arm in fits.values() for artifact in by_arm.values()],
        selection.row.digest,
        fitted.digests(),
    ]
    extra = {name: [read, clip.key, clip.group, clip.split] for name, clip in clips.items()}
    compute = partial(
        spot_shard,
        clips=clips,
        fits=fits,
        selection=selection,
        fitted=fitted,
        folds=sources.folds,
        job=job,
    )
    job.run_shard(compute, extra)


def _clips(job: Job) -> dict[str, Clip]:
    clips = load_clips(job, job.videos, [SOUND, EVENTS], STEPS)
    return {clip.video_id: clip for clip in clips}
