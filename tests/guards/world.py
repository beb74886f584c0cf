"""A made corpus in a folder of its own, and the workflow's scripts run over it, one by one."""

from __future__ import annotations

import importlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file

from guards.corpus import (
    AUDIO_DIM,
    LEVELS,
    MADE,
    ROLES,
    SEQUENCE_LENGTH,
    TEXT_DIM,
    MadeClip,
    drawn_for,
    write_features,
    write_manifest,
    write_models,
)
from small_project import CLIP_STAGES, artifact_digests, changed
from unmuted.digests import digest_json
from unmuted.engine.executor import Artifact
from unmuted.engine.job import FullReader, ReportJob, make_jobs
from unmuted.engine.run import Run
from unmuted.engine.seeds import parse_fit, partition_name
from unmuted.engine.sharded_dataset import RESULTS
from unmuted.pipeline.registry import REGISTRY, STAGES, open_run
from unmuted.samples.experiment import load_clips

OF_CLIPS = tuple(CLIP_STAGES)
_OF_SYSTEMS = OF_CLIPS[OF_CLIPS.index("sources") :]
# What is made already, or drawn for people alone.
_NOT_RUN = (
    *(*MADE, "cnn_rnn_animations"),
    *("clip_copies", "sound_library", "sound_previews", "pages", "thumbnails"),
)
# Everything that is fitted, made by something fitted, or chosen: a new stage joins by itself.
STAGES_RUN = (
    "label_embeddings",
    *(name for name in _OF_SYSTEMS if name not in _NOT_RUN),
)
ONE_CHECKPOINT = {"steps": 3, "validate_every": 3, "hidden": 4, "bottleneck": 3}
SEEDS = (0, 1)  # what is read or not does not depend on how many


@dataclass(frozen=True)
class World:
    """A working directory. path: of a scenario, as in `unmuted.engine.scenarios`."""

    folder: Path
    config: Mapping[str, object]
    clips: tuple[MadeClip, ...]
    path: str = ""

    def project(self) -> Run:
        """Its project, for use in its folder."""
        return open_run(self.config).scenario_of_path(self.path)

    def report(self, name: str) -> ReportJob:
        """The job of a report, for use in its folder."""
        return ReportJob(self.project(), REGISTRY.reports[name])

    def scenario(self, path: str) -> World:
        """The same folder with some settings changed."""
        return replace(self, path=path)

    def run(
        self, *stages: str, seeds: Sequence[int] = SEEDS, shards: Sequence[str] | None = None
    ) -> World:
        """Run the scripts of these stages as their rules do; all of them unless named.

        shards: all of them unless named.
        """
        with chdir(self.folder), _sentences_by_spelling():
            project = self.project()
            for name in stages or STAGES_RUN:
                if project.layout.owns(name):
                    _run_stage(project, name, seeds, shards or list(project.dataset.shards))
        return self

    def copy(self, *without: str) -> World:
        """The same world elsewhere, in which these stages have not run."""
        folder = Path(tempfile.mkdtemp(dir=self.folder.parent))
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        other = replace(self, folder=folder)
        with chdir(folder):
            for stage in without:
                shutil.rmtree(RESULTS / other.path / stage, ignore_errors=True)
                (RESULTS / other.path / f"{stage}.ledger.csv").unlink(missing_ok=True)
        return other

    def again(self, *stages: str, **how: object) -> World:
        """A copy in which these stages ran once more, from nothing; `how` as in `run`."""
        return self.copy(*stages).run(*stages, **how)

    def with_features(self, change: Callable[[MadeClip], MadeClip], names: Iterable[str]) -> World:
        """This very world, the features of the named clips changed; nothing is run."""
        wanted = set(names)
        clips = tuple(change(c) if c.video_id in wanted else c for c in self.clips)
        with chdir(self.folder):
            write_features(self.project(), clips)
        return replace(self, clips=clips)

    # --- what is there ----------------------------------------------------------------------------

    def ids(self, *splits: str) -> list[str]:
        """Videos of these splits."""
        return [clip.video_id for clip in self.clips if clip.split in splits]

    def shard_of(self, name: str) -> str:
        """The shard of a video."""
        return self.project().dataset.shard_of[name]

    def shard_with_most(self, split: str) -> str:
        """The shard with the most videos of a split."""
        own, shards = set(self.ids(split)), self.project().dataset.shards
        return max(shards, key=lambda shard: len(own.intersection(shards[shard])))

    def keys(self) -> dict[str, str]:
        """Content key of every video."""
        with chdir(self.folder):
            project = self.project()
            return {
                clip.video_id: clip.key
                for clip in load_clips(FullReader(project), project.dataset.videos, ())
            }

    def contents(self, stage: str, apart_from: str = "") -> dict[str, str]:
        """Digest of all that an artifact says, by part and file; apart_from: an array of theirs."""
        with chdir(self.folder):
            if not apart_from:
                return artifact_digests(self.project(), stage)
            folder = self.project().layout.folder(stage)
            return {
                str(path.relative_to(folder)): _digest_without(path, apart_from)
                for path in sorted(folder.rglob("*.safetensors"))
            }

    def artifacts(self, stage: str) -> dict[str, Artifact]:
        """Artifacts of the videos whose shards have run, with paths that hold anywhere."""
        with chdir(self.folder):
            project = self.project()
            done = [s for s in project.dataset.shards if project.layout.ledger(stage, s).exists()]
            found = project.store.artifacts(
                stage, [name for s in done for name in project.dataset.shards[s]]
            )
        return {name: replace(one, path=self.folder / one.path) for name, one in found.items()}

    def fits(self, stage: str, seed: int | None = None) -> dict[str, Artifact]:
        """Artifacts of a fitted stage, those of one seed by fit, with paths that hold anywhere."""
        with chdir(self.folder):
            if seed is None:
                found = self.project().store.fits(stage)
            else:
                part = partition_name([seed])
                named = self.project().store.fits(stage, part)
                found = {parse_fit(name)[1]: one for name, one in named.items()}
        return {name: replace(one, path=self.folder / one.path) for name, one in found.items()}


def _digest_without(path: Path, name: str) -> str:
    """Digest of the arrays of a file but one, which it may have."""
    arrays = load_file(path)
    arrays.pop(name, None)
    return digest_json({key: [str(a.dtype), a.tobytes().hex()] for key, a in arrays.items()})


def make_world(folder: Path, clips: Sequence[MadeClip], **settings: object) -> World:
    """Manifest, splits, models and features; `settings`: dotted keys, dots written as __."""
    folder.mkdir(parents=True)
    write_manifest(folder, clips)
    write_models(folder / "models")
    config = make_config(folder)
    for key, value in settings.items():
        config = changed(config, key.replace("__", "."), value)
    world = World(folder, config, tuple(clips))
    with chdir(folder):
        RESULTS.mkdir()
        project = world.project()
        importlib.import_module("make_splits").main(project, str(RESULTS / "splits.csv"))
        write_features(project, clips)
    return world


def make_config(folder: Path) -> dict[str, object]:
    """Small networks and short trainings; three seeds, two folds, two percentiles."""
    return {
        "videos": {"source": "manifest", "manifest": str(folder / "manifest.csv")},
        "videos_per_shard": 16,
        "seeds": list(SEEDS),
        "seeds_per_job": 1,  # so that a test can run some of the seeds
        "models": {role: {"path": str(folder / "models" / role)} for role in ROLES},
        "device": "cpu",
        "folds": 2,
        "audio_dim": AUDIO_DIM,
        "retrieval": {"k": 2},
        "ridge": {"penalties": [1]},
        # One checkpoint: validation clips then have nothing to choose, and no excuse for a trace.
        "generator": {**ONE_CHECKPOINT, "adapter_dim": 2, "noise_dim": 2, "draws": 2},
        "video_generator": ONE_CHECKPOINT,
        "classifier": {"epochs": 3, "snapshots": 3, "hidden": 4, "learning_rate": 0.1},
        "pilot": {"epochs": 2, "snapshots": 1, "hidden": 4, "lambdas": [1]},
        "cnn_rnn": {"epochs": 2, "sequence_length": SEQUENCE_LENGTH},
        "filter": {"percentiles": [30, 60]},
        "missing": dict(LEVELS),
    }


def _run_stage(project: Run, name: str, seeds: Sequence[int], shards: Sequence[str]) -> None:
    """Run one stage as its rule does: each shard, each partition with one of the seeds, or all."""
    stage = STAGES[name]
    main = importlib.import_module(stage.script).main
    parts: Sequence[str | None] = [None]
    if stage.is_sharded:
        parts = shards
    elif stage.by_seed:
        parts = [
            part for part, own in project.layout.seed_partitions.items() if set(own) & set(seeds)
        ]
    for part in parts:
        main(*make_jobs(project, stage.script, part))


class _SentencesBySpelling:
    """Stands for the sentence encoder, which takes seconds to load: no guard is about meaning."""

    def __init__(self, spec: object) -> None:
        self.dim = TEXT_DIM

    def encode(self, sentences: list[str]) -> np.ndarray:
        """A unit vector (N, E) that belongs to the spelling alone."""
        rows = [drawn_for(text).normal(size=TEXT_DIM) for text in sentences]
        return np.float32([row / np.linalg.norm(row) for row in rows])


@contextmanager
def _sentences_by_spelling() -> Iterator[None]:
    stub = SimpleNamespace(SentenceEncoder=_SentencesBySpelling)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "unmuted.features.sentences", stub)
        yield
