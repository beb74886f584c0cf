"""The clips of an experiment: labelled, split, grouped, with the artifacts that systems read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from unmuted.dataset.splits import group_problems
from unmuted.dataset.videos import SPLITS, Video, raise_problems
from unmuted.digests import digest_json
from unmuted.engine.executor import Artifact
from unmuted.engine.job import FullReader, Job, ReportJob
from unmuted.engine.ledger import OK, LedgerEntry
from unmuted.errors import UserError
from unmuted.features.visual import VISUAL
from unmuted.samples.fits import ALL_TRAINING, FULL, fold_name
from unmuted.samples.folds import assign_folds
from unmuted.samples.missing_audio import is_missing
from unmuted.samples.sample import Sample
from unmuted.training.order import stable_hash

if TYPE_CHECKING:
    from unmuted.systems.shared.projection import Projection

VIEWS = ("vit_rgb", "vit_flow")

OF_AUDIO = ("ast", "degraded_ast")  # a clip without audio has no artifact of these stages

Reader = Job | ReportJob | FullReader  # through which clips are read


@dataclass(frozen=True)
class SampleStages:
    """The stages that the samples of an experiment need.

    required: a video that lacks an artifact of one of them is excluded; the reason is its status at
    the first such stage. content: those of them whose artifacts make the content key.
    """

    required: tuple[str, ...]
    content: tuple[str, ...]


CAPTIONED_VIEWS = SampleStages(VISUAL, VIEWS)  # of all systems that generate or read audio


@dataclass(frozen=True)
class Clip:
    """One usable video, with its artifacts.

    key: digest of the visual content, which orders clips and seeds their noise independently of
    their names. group: source group; in an experiment, clips of the same content share
    one. artifacts: by stage, of those stages that were asked for.
    """

    sample: Sample
    split: str | None
    group: str
    key: str
    artifacts: Mapping[str, Artifact]

    def __post_init__(self) -> None:
        if self.sample.interval is not None:  # clips are told apart by their video alone
            raise ValueError(f"{self.video_id}: a clip is a whole video, found {self.sample}")

    @property
    def video_id(self) -> str:
        """The video that the sample is."""
        return self.sample.video_id

    @property
    def label(self) -> str | None:
        """The class; None if it is unknown."""
        return self.sample.label

    def digests(self, *stages: str) -> list[str]:
        """Return the digest of its artifact of each stage, or "": for fingerprints."""
        return [self.artifacts[s].row.digest if s in self.artifacts else "" for s in stages]

    @property
    def has_sound(self) -> bool:
        """Whether there are AST features of usable sound; False if `ast` was not asked for."""
        return "ast" in self.artifacts

    def visual(self) -> np.ndarray:
        """Read RGB and flow features side by side, float32 (T, 2 D)."""
        views = [self.artifacts[view].tensors()["features"] for view in VIEWS]
        return np.concatenate(views, axis=1)

    def audio(self, projection: Projection) -> np.ndarray:
        """Read projected real audio, float32 (T, A).

        A clip without sound gets zeros, which are the training mean.
        """
        if not self.has_sound:
            steps = len(self.artifacts["vit_rgb"].tensors()["features"])
            return np.zeros((steps, len(projection.components)), dtype=np.float32)
        return projection.apply(self.artifacts["ast"].tensors()["tokens"])


@dataclass(frozen=True)
class Experiment:
    """The labelled clips in an order that does not depend on names, and counts of excluded ones.

    Attributes:
        clips: labelled clips.
        classes: names of the classes, in alphabetical order.
        excluded: number of excluded videos, by reason; `no_label` counts the unlabelled ones too.
        canonical_groups: the source group into which each group of the run was merged, also of
            clips without label.
        unlabelled: clips without label that fits may read (fits.unlabelled), in an order that does
            not depend on names either.
    """

    clips: tuple[Clip, ...]
    classes: tuple[str, ...]
    excluded: Mapping[str, int]
    canonical_groups: Mapping[str, str] = field(default_factory=dict)
    unlabelled: tuple[Clip, ...] = ()

    def split(self, name: str) -> list[Clip]:
        """Return the clips of train, val or test."""
        return [clip for clip in self.clips if clip.split == name]

    def samples(self, split: str) -> list[Sample]:
        """Return the samples, with their targets, of train, val or test."""
        return [clip.sample for clip in self.split(split)]

    def clips_for_fits(self) -> list[Clip]:
        """Return the clips whose sound fits may read; classifiers read only those of train."""
        return [*self.split("train"), *self.unlabelled]

    def classes_without(self, split: str) -> list[str]:
        """Return the classes without a usable clip in this split, in alphabetical order."""
        present = {sample.label for sample in self.samples(split)}
        return [label for label in self.classes if label not in present]

    def with_canonical_groups(self, clips: Iterable[Clip]) -> list[Clip]:
        """Put any clips of the run into their canonical groups.

        This is the group of a training clip of the same content, else the canonical group of its
        own group: a group may hold copies from several sources.
        """
        trained = {clip.key: clip.group for clip in self.clips_for_fits()}
        canonical = self.canonical_groups
        return [
            replace(clip, group=trained.get(clip.key, canonical.get(clip.group, clip.group)))
            for clip in clips
        ]

    def labels(self, clips: Sequence[Clip]) -> np.ndarray:
        """Return class indices, int64 (N,)."""
        return np.array([self.classes.index(clip.label) for clip in clips], dtype=np.int64)


def load_clips(
    job: Reader,
    video_ids: Iterable[str],
    stages: Sequence[str],
    needs: SampleStages = CAPTIONED_VIEWS,
) -> list[Clip]:
    """Read the usable clips of these videos, with artifacts of `stages` as well.

    Clips that fits may read and whose audio the configuration declares missing are returned
    without their audio artifacts, so that nobody who reads clips can use them. Clips have no split
    where the job reads none.
    """
    stages = tuple(dict.fromkeys((*needs.required, *stages)))
    reads_audio = not set(OF_AUDIO).isdisjoint(stages)
    wanted = list(video_ids)
    by_stage = {stage: job.artifacts(stage, wanted) for stage in stages}
    splits = job.read_splits() if job.reads_splits else {}
    clips = []
    for video_id in wanted:
        artifacts = {
            stage: found[video_id] for stage, found in by_stage.items() if video_id in found
        }
        if all(stage in artifacts for stage in needs.required):
            video = job.videos[video_id]
            key = digest_json([artifacts[stage].row.digest for stage in needs.content])
            split = splits.get(video_id)
            if reads_audio and _is_declared_missing(job, video, split, key):
                artifacts = {
                    stage: artifacts[stage] for stage in artifacts if stage not in OF_AUDIO
                }
            clips.append(
                Clip(Sample.of_video(video_id, video.label), split, video.group, key, artifacts)
            )
    return clips


def _is_declared_missing(job: Reader, video: Video, split: str | None, key: str) -> bool:
    missing = job.config["missing"]
    is_read_by_fits = split == "train" or _is_unlabelled_fit_sample(job, video)
    return is_read_by_fits and is_missing(key, missing["seed"], missing["training_rate"])


def _is_unlabelled_fit_sample(job: Reader, video: Video) -> bool:
    """Tell whether this is a clip without label that fits may read."""
    wanted = job.config["fits"]["unlabelled"]
    return wanted and video.label is None and video.split in (None, "train")


def load_experiment(
    job: Reader, stages: Sequence[str] = (), needs: SampleStages = CAPTIONED_VIEWS
) -> Experiment:
    """Read the usable labelled clips among the job's videos, with their artifacts.

    Clips of equal content count as one source, whatever groups the dataset gives them. A source in
    several splits stays only in the first of train, val and test: a later split would measure what
    the model has memorised. So the clips of a split depend only on it and on the splits before it.
    """
    usable = load_clips(job, job.videos, stages, needs)
    groups = merge_duplicate_groups(usable)
    videos = job.videos.values()
    labelled = [video.video_id for video in videos if video.label is not None]
    clips = [replace(clip, group=groups[clip.group]) for clip in usable if clip.label is not None]
    clips.sort(key=lambda clip: (clip.key, clip.group))
    missing = set(labelled) - {clip.video_id for clip in clips}
    excluded = Counter(_reasons(job, missing, needs))
    if len(labelled) < len(videos):
        excluded["no_label"] = len(videos) - len(labelled)
    repeats = _repeats(clips)
    excluded.update(repeats.values())
    kept = [clip for clip in clips if clip.video_id not in repeats]
    fit_video_ids = {video.video_id for video in videos if _is_unlabelled_fit_sample(job, video)}
    unlabelled = tuple(unlabelled_clips(usable, groups, fit_video_ids))
    reasons = dict(sorted(excluded.items()))
    return Experiment(tuple(kept), tuple(job.classes), reasons, groups, unlabelled)


def load_whole_experiment(
    job: Reader, folds: int, stages: Sequence[str] = (), needs: SampleStages = CAPTIONED_VIEWS
) -> Experiment:
    """Read the experiment of all clips. Raises UserError as `check_usable` does."""
    experiment = load_experiment(job, stages, needs)
    check_usable(experiment, folds)
    return experiment


def check_usable(experiment: Experiment, folds: int) -> None:
    """Raise UserError with the counts unless the usable clips allow training and testing."""
    counts = {split: len(experiment.split(split)) for split in SPLITS}
    problems = [f"the split {name!r} has no usable clip" for name in SPLITS if not counts[name]]
    problems += [
        f"class {label!r} has no usable training clip"
        for label in experiment.classes_without("train")
    ]
    training, test = (
        len({clip.group for clip in experiment.split(split)}) for split in ("train", "test")
    )
    problems += group_problems(training, test, folds)
    left_out = ", ".join(f"{reason} {n}" for reason, n in experiment.excluded.items()) or "none"
    usable = ", ".join(f"{count} {split}" for split, count in counts.items())
    raise_problems(problems, f"usable clips: {usable} (left out: {left_out})")


def _repeats(clips: Sequence[Clip]) -> dict[str, str]:
    """Return the reason for each clip whose content or source is in an earlier split too."""
    keys = {split: {clip.key for clip in clips if clip.split == split} for split in SPLITS}
    groups = {split: {clip.group for clip in clips if clip.split == split} for split in SPLITS}
    reasons: dict[str, str] = {}
    for clip in clips:
        for earlier in SPLITS[: SPLITS.index(clip.split)]:
            if clip.group in groups[earlier]:
                kind = "duplicate" if clip.key in keys[earlier] else "same_source"
                reasons.setdefault(clip.video_id, f"{kind}_as_in_{earlier}")
    return reasons


def merge_duplicate_groups(clips: Sequence[Clip]) -> dict[str, str]:
    """Return the canonical group of every source group; equal content normally means one group.

    Training groups are merged first, then those of val, of test, and without a split. A later group
    can join an earlier one, but cannot merge two: so a copy in another split never moves a training
    clip to another fold.
    """
    canonical: dict[str, str] = {}  # by group, those of training groups first
    of_content: dict[str, str] = {}  # canonical group by content key
    for split in (*SPLITS, None):
        of_split = [clip for clip in clips if clip.split == split]
        rank = {group: place for place, group in enumerate(dict.fromkeys(canonical.values()))}
        for joined in joined_groups(of_split):
            known = {canonical[clip.group] for clip in joined if clip.group in canonical}
            known |= {of_content[clip.key] for clip in joined if clip.key in of_content}
            group = (
                min(known, key=rank.__getitem__) if known else min(clip.group for clip in joined)
            )
            for clip in joined:
                canonical.setdefault(clip.group, group)
                of_content.setdefault(clip.key, group)
    return canonical


def unlabelled_clips(
    clips: Sequence[Clip], canonical_groups: Mapping[str, str], fit_video_ids: Collection[str]
) -> list[Clip]:
    """Return the clips without label that fits may read, in their canonical groups.

    A clip that is connected, by content or source or through other clips, with a validation or test
    clip or with training clips of two canonical groups is left out. Of clips with equal content one
    is kept, with sound if any has it, and none if a training clip has that content.

    Args:
        clips: all clips of the run.
        canonical_groups: of every source group.
        fit_video_ids: the videos without label that the configuration allows fits to read.
    """
    chosen: dict[str, Clip] = {}
    for source in joined_groups(clips):
        labelled = [clip for clip in source if clip.split is not None]
        trained = [clip for clip in labelled if clip.split == "train"]
        groups = {canonical_groups[clip.group] for clip in trained}
        if len(trained) == len(labelled) and len(groups) < 2:
            known = {clip.key for clip in trained}
            for clip in sorted(source, key=lambda clip: not clip.has_sound):
                if clip.video_id in fit_video_ids and clip.key not in known:
                    merged = replace(clip, group=canonical_groups[clip.group])
                    chosen.setdefault(clip.key, merged)
    return [chosen[key] for key in sorted(chosen)]


def joined_groups(clips: Sequence[Clip]) -> list[list[Clip]]:
    """Group clips by source, where groups with clips of the same content are one source.

    The sources are sorted by their first group name; their clips keep the given order.
    """
    groups = {name: node for node, name in enumerate(sorted({clip.group for clip in clips}))}
    contents = {key: node for node, key in enumerate({clip.key for clip in clips}, len(groups))}
    ends = [groups[clip.group] for clip in clips], [contents[clip.key] for clip in clips]
    nodes = len(groups) + len(contents)
    # A clip links its group with its content.
    links = coo_array((np.ones(len(clips)), ends), shape=(nodes, nodes))
    _, component = connected_components(links, directed=False)
    sources: dict[int, list[Clip]] = {}
    for clip, node in zip(clips, ends[0], strict=True):
        sources.setdefault(component[node], []).append(clip)
    return sorted(sources.values(), key=lambda source: min(clip.group for clip in source))


def training_sound(job: Reader, experiment: Experiment) -> list[Clip]:
    """Return the clips with usable sound that fits may read, sorted by the content of their sound.

    Raises UserError with counts of the reasons if there are none.
    """
    clips = experiment.clips_for_fits()
    with_audio = [clip for clip in clips if clip.has_sound]
    if not with_audio:
        reasons = Counter(_why_silent(job, clip.video_id) for clip in clips)
        counts = ", ".join(f"{status} {count}" for status, count in sorted(reasons.items()))
        raise UserError(
            f"none of the {len(clips)} training clips has usable sound ({counts}): generated audio "
            "is learnt from training videos with sound. Add some; the target `features` needs no "
            "sound"
        )
    return sorted(with_audio, key=lambda clip: clip.digests("ast"))


def training_folds(experiment: Experiment, folds: int) -> dict[str, int]:
    """Return the fold of every source group that fits read.

    The fold of a group without labelled clips comes from its hash alone, so that it does not
    change the fold of any other group.
    """
    clips = experiment.split("train")
    groups = [clip.group for clip in clips]
    labels = [clip.label or "" for clip in clips]  # all of these clips have one
    assigned = assign_folds(groups, labels, folds, seed=0)
    unlabelled = {clip.group: stable_hash(clip.group) % folds for clip in experiment.unlabelled}
    return unlabelled | dict(zip(groups, assigned.tolist(), strict=True))


def clips_of_fits(experiment: Experiment, folds: int) -> dict[str, list[Clip]]:
    """Return the clips with sound that each fit reads: all, or all but those of a fold.

    Raises UserError if a fit is left without any clip.
    """
    with_audio = [clip for clip in experiment.clips_for_fits() if clip.has_sound]
    fold_of = training_folds(experiment, folds)
    held_out = {
        fold_name(fold): [clip for clip in with_audio if fold_of[clip.group] != fold]
        for fold in range(folds)
    }
    fits = {ALL_TRAINING: with_audio, **held_out}
    empty = [name for name, clips in fits.items() if not clips]
    if empty:
        raise UserError(
            f"the training split has {len(with_audio)} clips with usable sound, which leaves none "
            f"for the models {', '.join(empty)}: add training videos with sound from other "
            "sources, or lower `folds` in the configuration"
        )
    return fits


def clips_of_generators(experiment: Experiment, folds: int, serve: str) -> dict[str, list[Clip]]:
    """Return the clips with sound that the fits of a generator read, as `clips_of_fits`.

    serve: the setting generator.serve; a fit on all clips is made only where it serves any.
    """
    fits = clips_of_fits(experiment, folds)
    return fits if serve == FULL else {name: fits[name] for name in fits if name != ALL_TRAINING}


def validation_sound(experiment: Experiment) -> list[Clip]:
    """Return the validation clips with usable sound, which choose the checkpoints of generators."""
    return [clip for clip in experiment.split("val") if clip.has_sound]


def _why_silent(job: Reader, video_id: str) -> str:
    """Return the status of a training clip without usable sound, at the stage of AST features."""
    row = job.rows("ast", job.find_shard(video_id))[video_id]
    return "declared_missing" if row.has_artifact else row.status


def _reasons(job: Reader, video_ids: Iterable[str], needs: SampleStages) -> Iterable[str]:
    """Yield the status of each of these videos at the first stage without its artifact."""
    ledgers: dict[tuple[str, str], Mapping[str, LedgerEntry]] = {}
    for video_id in sorted(video_ids):
        shard = job.find_shard(video_id)
        for stage in needs.required:
            if (stage, shard) not in ledgers:
                ledgers[stage, shard] = job.rows(stage, shard)
            row = ledgers[stage, shard][video_id]
            if not row.has_artifact:
                yield row.status if row.status != OK else "no_artifact"
                break
