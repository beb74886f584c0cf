"""Generated audio of the videos of a shard, for the generators of both architectures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from unmuted.config.derived import time_steps, trains_sentences
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.samples.fits import ALL_TRAINING, digests_of_fits
from unmuted.samples.folds import load_generators
from unmuted.samples.source_groups import read_canonical_clips
from unmuted.systems.shared.data import GeneratorData
from unmuted.systems.shared.generation_job import generated_results
from unmuted.systems.shared.inputs import Tokenize, generator_data
from unmuted.systems.shared.projection import Projection

Fitted = Mapping[int, Mapping[str, Artifact]]  # by seed and fit


def serve_shard(job: Job, fitted_stage: str) -> None:
    """Bring the job's shard up to date with the generators of `fitted_stage`.

    An artifact holds audio (S, T, A) and its spread over draws (S,), one row per seed; training
    clips are generated out of fold.
    """
    # Architecture 2's generator reads captions and draws noise; architecture 1's does neither.
    has_noise = fitted_stage != "video_generator"
    tokenizes = has_noise and trains_sentences(job.config)
    sources, clips = read_canonical_clips(job, ["captions"] if tokenizes else [])
    pca = job.fits("projection")[ALL_TRAINING]
    fitted = job.fits_by_seed(fitted_stage)
    extra = {}
    for name, clip in clips.items():
        fold = sources.folds.get(clip.group)
        made_by = [digests_of_fits(fits, fold) for fits in fitted.values()]
        extra[name] = [pca.row.digest, made_by, clip.group]
    compute = partial(
        _generate,
        clips=clips,
        job=job,
        fitted=fitted,
        pca=pca,
        fold_of_group=sources.folds,
        draws=job.config["generator"]["draws"] if has_noise else 1,
        tokenizes=tokenizes,
        reads_captions=has_noise,
    )
    job.run_shard(compute, extra)


def _generate(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    job: Job,
    fitted: Fitted,
    pca: Artifact,
    fold_of_group: Mapping[str, int],
    draws: int,
    tokenizes: bool,
    reads_captions: bool,
) -> Iterator[Result]:
    from unmuted.inference.device import use_device

    device = str(use_device(job.config["device"], job.threads))
    projection = Projection(**pca.tensors())
    tokenize = _tokenizer(job) if tokenizes else None

    def data_of(names: Sequence[str]) -> GeneratorData:
        chosen = [clips[name] for name in names]
        return generator_data(chosen, projection, time_steps(job.config), tokenize, reads_captions)

    generators = {seed: load_generators(fits) for seed, fits in fitted.items()}
    names = [task.name for task in tasks]
    yield from generated_results(names, data_of, generators, fold_of_group, draws, device)


def _tokenizer(job: Job) -> Tokenize:
    from unmuted.features.sentences import SentenceEncoder
    from unmuted.systems.shared.transformer import tokens_of

    return partial(tokens_of, SentenceEncoder(job.model_spec("sentence")))
