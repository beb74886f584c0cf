"""The experiment's clips: labelled, split, grouped, with all that training and tests read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
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
from unmuted.samples.folds import FULL as FULL_FOLD
from unmuted.samples.folds import Generators, assign_folds
from unmuted.samples.missing_audio import is_missing
from unmuted.samples.sample import Sample
from unmuted.training.order import stable_hash

if TYPE_CHECKING:
    from unmuted.systems.shared.projection import Projection

FULL = "full"
VIEWS = ("vit_rgb", "vit_flow")

HEARD = ("ast", "noise_ast")  # what a clip without audio does not have

Reader = Job | ReportJob | FullReader  # what clips are read with


@dataclass(frozen=True)
class SampleStages:
    """The stages that the samples of an experiment need.

    required: a video without an artifact of one of them is no sample; its reason is the status of
    the first that is missing. content: those of them whose artifacts make the content key.
    """

    required: tuple[str, ...]
    content: tuple[str, ...]


CAPTIONED_VIEWS = SampleStages(VISUAL, VIEWS)  # of all systems that generate or are given audio


@dataclass(frozen=True)
class Clip:
    """One usable sample, with all that is known and was made of it.

    key: digest of what is seen, which orders clips and seeds their noise whatever they are called.
    group: source group; clips of the same content share one. artifacts: by stage.
    """

    sample: Sample
    split: str | None
    group: str
    key: str
    artifacts: Mapping[str, Artifact]

    @property
    def video_id(self) -> str:
        """The video that the sample is, or is a part of."""
        return self.sample.video_id

    @property
    def label(self) -> str | None:
        """The class that is to be told; None where it is not known."""
        return self.sample.label

    def digests(self, *stages: str) -> list[str]:
        """Content digests of what it has of these stages, for recipes."""
        return [self.artifacts[s].row.digest if s in self.artifacts else "" for s in stages]

    @property
    def has_sound(self) -> bool:
        """Whether AST features of usable sound exist."""
        return "ast" in self.artifacts

    def visual(self) -> np.ndarray:
        """RGB and flow features side by side, float32 (T, 2 D)."""
        views = [self.artifacts[view].tensors()["features"] for view in VIEWS]
        return np.concatenate(views, axis=1)

    def audio(self, projection: Projection) -> np.ndarray:
        """Projected real audio, float32 (T, A); zeros (the training mean) without usable sound."""
        if not self.has_sound:
            steps = len(self.artifacts["vit_rgb"].tensors()["features"])
            return np.zeros((steps, len(projection.components)), dtype=np.float32)
        return projection.apply(self.artifacts["ast"].tensors()["tokens"])


@dataclass(frozen=True)
class Experiment:
    """The labelled clips in an order that does not come from names, and what was left out.

    homes: source group that each group of the run counts as, also of clips without label.
    unlabelled: clips without label that fits may read (fits.unlabelled), in such an order too.
    """

    clips: tuple[Clip, ...]
    classes: tuple[str, ...]
    excluded: Mapping[str, int]
    homes: Mapping[str, str] = field(default_factory=dict)
    unlabelled: tuple[Clip, ...] = ()

    def split(self, name: str) -> list[Clip]:
        """Clips of train, val or test."""
        return [clip for clip in self.clips if clip.split == name]

    def samples(self, split: str) -> list[Sample]:
        """What is to be told of the clips of train, val or test."""
        return [clip.sample for clip in self.split(split)]

    def learnt_from(self) -> list[Clip]:
        """Clips whose sound the fits of audio may read; classifiers read those of train alone."""
        return [*self.split("train"), *self.unlabelled]

    def classes_without(self, split: str) -> list[str]:
        """Classes of which no usable clip is in this split, in alphabetical order."""
        there = {sample.label for sample in self.samples(split)}
        return [label for label in self.classes if label not in there]

    def with_canonical_groups(self, clips: Iterable[Clip]) -> list[Clip]:
        """Any clips of the run, each in the source group that it counts as.

        That of a training clip of the same content, else that of its own group: a group may hold
        copies from several sources.
        """
        trained = {clip.key: clip.group for clip in self.learnt_from()}
        return [
            replace(clip, group=trained.get(clip.key, self.homes.get(clip.group, clip.group)))
            for clip in clips
        ]

    def labels(self, clips: Sequence[Clip]) -> np.ndarray:
        """Class indices, int64 (N,)."""
        return np.array([self.classes.index(clip.label) for clip in clips], dtype=np.int64)


def load_clips(
    job: Reader,
    video_ids: Iterable[str],
    stages: Sequence[str],
    needs: SampleStages = CAPTIONED_VIEWS,
) -> list[Clip]:
    """Clips of these videos that have all that they need, with artifacts of `stages` as well.

    Clips that fits may learn from and whose audio the configuration declares missing come without
    it: nothing that reads clips can read it.
    """
    stages = tuple(dict.fromkeys((*needs.required, *stages)))
    reads_audio = not set(HEARD).isdisjoint(stages)
    wanted = list(video_ids)
    found = {stage: job.artifacts(stage, wanted) for stage in stages}
    splits = job.read_splits()
    clips = []
    for video_id in wanted:
        artifacts = {stage: found[stage][video_id] for stage in stages if video_id in found[stage]}
        if all(stage in artifacts for stage in needs.required):
            video = job.videos[video_id]
            key = digest_json([artifacts[stage].row.digest for stage in needs.content])
            split = splits.get(video_id)
            if reads_audio and _is_declared_missing(job, video, split, key):
                artifacts = {stage: artifacts[stage] for stage in artifacts if stage not in HEARD}
            clips.append(
                Clip(Sample.of_video(video_id, video.label), split, video.group, key, artifacts)
            )
    return clips


def _is_declared_missing(job: Reader, video: Video, split: str | None, key: str) -> bool:
    missing = job.config["missing"]
    is_read_by_fits = split == "train" or _may_teach(job, video)
    return is_read_by_fits and is_missing(key, missing["seed"], missing["training_rate"])


def _may_teach(job: Reader, video: Video) -> bool:
    """Whether this is a clip without label that fits may read all the same."""
    wanted = job.config["fits"]["unlabelled"]
    return wanted and video.label is None and video.split in (None, "train")


def load_experiment(
    job: Reader, stages: Sequence[str] = (), needs: SampleStages = CAPTIONED_VIEWS
) -> Experiment:
    """The labelled clips that the job may read and that have what they need, with their artifacts.

    Clips of equal content count as one source, whatever groups they were given. A source in several
    splits stays in the first of train, val and test: elsewhere it would measure memory. So what
    holds of one split depends on that split and on those before it, and on no other.
    """
    found = load_clips(job, job.videos, stages, needs)
    homes = merge_duplicate_groups(found)
    videos = job.videos.values()
    labelled = [video.video_id for video in videos if video.label is not None]
    clips = [replace(clip, group=homes[clip.group]) for clip in found if clip.label is not None]
    clips.sort(key=lambda clip: (clip.key, clip.group))
    missing = set(labelled) - {clip.video_id for clip in clips}
    excluded = Counter(_reasons(job, missing, needs))
    if len(labelled) < len(videos):
        excluded["no_label"] = len(videos) - len(labelled)
    repeats = _repeats(clips)
    excluded.update(repeats.values())
    kept = [clip for clip in clips if clip.video_id not in repeats]
    teaching = {video.video_id for video in videos if _may_teach(job, video)}
    unlabelled = tuple(unlabelled_clips(found, homes, teaching))
    reasons = dict(sorted(excluded.items()))
    return Experiment(tuple(kept), tuple(job.classes), reasons, homes, unlabelled)


def load_whole_experiment(
    job: Reader, folds: int, stages: Sequence[str] = (), needs: SampleStages = CAPTIONED_VIEWS
) -> Experiment:
    """The experiment of all clips. Raises UserError when what is usable allows none."""
    experiment = load_experiment(job, stages, needs)
    check_usable(experiment, folds)
    return experiment


def check_usable(experiment: Experiment, folds: int) -> None:
    """Raise UserError naming the numbers unless what is usable allows training and testing."""
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
    """Clips of which an earlier split holds the same content or source, with that as the reason."""
    keys = {split: {clip.key for clip in clips if clip.split == split} for split in SPLITS}
    groups = {split: {clip.group for clip in clips if clip.split == split} for split in SPLITS}
    reasons = {}
    for clip in clips:
        for earlier in SPLITS[: SPLITS.index(clip.split)]:
            if clip.group in groups[earlier]:
                found = "duplicate" if clip.key in keys[earlier] else "same_source"
                reasons.setdefault(clip.video_id, f"{found}_as_in_{earlier}")
    return reasons


def merge_duplicate_groups(clips: Sequence[Clip]) -> dict[str, str]:
    """Home of every source group after joining those that hold clips of the same content.

    Training clips decide first, then those of val, of test, and without a split: a group may join
    what earlier ones decided but cannot change it, so that a copy elsewhere moves no training
    clip's fold.
    """
    homes: dict[str, str] = {}  # by group; the first homes are those of training groups
    home_of_content: dict[str, str] = {}
    for split in (*SPLITS, None):
        own = [clip for clip in clips if clip.split == split]
        order = {home: rank for rank, home in enumerate(dict.fromkeys(homes.values()))}
        for joined in joined_groups(own):
            known = {homes[clip.group] for clip in joined if clip.group in homes}
            known |= {home_of_content[clip.key] for clip in joined if clip.key in home_of_content}
            home = min(known, key=order.get) if known else min(clip.group for clip in joined)
            for clip in joined:
                homes.setdefault(clip.group, home)
                home_of_content.setdefault(clip.key, home)
    return homes


def unlabelled_clips(
    clips: Sequence[Clip], homes: Mapping[str, str], teaching: Collection[str]
) -> list[Clip]:
    """Clips without label that fits may read, of `teaching`, in the groups that they count as.

    clips: all clips of the run. None has anything to do with a tested or validated clip, or with
    training clips that count as two sources: not by content, not by source, not through others. Of
    equal contents there is one, with sound if any has, and none that a training clip shows.
    """
    found: dict[str, Clip] = {}
    for source in joined_groups(clips):
        labelled = [clip for clip in source if clip.split is not None]
        trained = [clip for clip in labelled if clip.split == "train"]
        if len(trained) == len(labelled) and len({homes[clip.group] for clip in trained}) < 2:
            shown = {clip.key for clip in trained}
            for clip in sorted(source, key=lambda clip: not clip.has_sound):
                if clip.video_id in teaching and clip.key not in shown:
                    found.setdefault(clip.key, replace(clip, group=homes[clip.group]))
    return [found[key] for key in sorted(found)]


def joined_groups(clips: Sequence[Clip]) -> list[list[Clip]]:
    """Clips by source, where groups with a clip of the same content are one.

    Sorted by the first of each source's group names; clips of a source in the order given.
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
    """Clips with usable sound that fits may read, by the content of that sound.

    Raises UserError when there are none, counting what became of the sound of each.
    """
    clips = experiment.learnt_from()
    sounding = [clip for clip in clips if clip.has_sound]
    if not sounding:
        found = Counter(_why_silent(job, clip.video_id) for clip in clips)
        counts = ", ".join(f"{status} {count}" for status, count in sorted(found.items()))
        raise UserError(
            f"none of the {len(clips)} training clips has usable sound ({counts}): generated audio "
            "is learnt from training videos with sound. Add some; the target `features` needs none"
        )
    return sorted(sounding, key=lambda clip: clip.digests("ast"))


def training_folds(experiment: Experiment, folds: int) -> dict[str, int]:
    """Fold of every source group that fits read.

    Groups without a labelled clip go by their hash alone: they move no other.
    """
    clips = experiment.split("train")
    groups = [clip.group for clip in clips]
    assigned = assign_folds(groups, [clip.label for clip in clips], folds, seed=0)
    unlabelled = {clip.group: stable_hash(clip.group) % folds for clip in experiment.unlabelled}
    return unlabelled | dict(zip(groups, assigned.tolist(), strict=True))


def fit_units(experiment: Experiment, folds: int) -> dict[str, list[Clip]]:
    """Clips with sound that each model reads: all that fits may read, or all but those of a fold.

    Raises UserError when that leaves a model without any clip.
    """
    sounding = [clip for clip in experiment.learnt_from() if clip.has_sound]
    fold_of = training_folds(experiment, folds)
    held_out = {
        fold_name(fold): [clip for clip in sounding if fold_of[clip.group] != fold]
        for fold in range(folds)
    }
    units = {FULL: sounding, **held_out}
    empty = [name for name, clips in units.items() if not clips]
    if empty:
        raise UserError(
            f"the training split has {len(sounding)} clips with usable sound, which leaves none "
            f"for the models {', '.join(empty)}: add training videos with sound from other "
            "sources, or lower `folds` in the configuration"
        )
    return units


def unit_of(fold: int | None) -> str:
    """Name of the unit that serves clips of a fold; None: clips that no fit may read."""
    return FULL if fold is None else fold_name(fold)


def read_units(units: Mapping[str, Artifact], fold: int | None) -> list[str]:
    """Digests of the units that a clip's generated audio may depend on.

    Of a clip in no fold all of them: where the full model knows its content, another serves it.
    """
    names = units if fold is None else [fold_name(fold)]
    return [units[name].row.digest for name in names]


def fold_name(fold: int) -> str:
    """Name of the unit that was fitted without a fold."""
    return f"without-fold-{fold}"


def load_generators(units: Mapping[str, Artifact]) -> Generators:
    """The fitted generators of one seed, from their artifacts by unit; read when needed."""

    @cache
    def load(fold: int) -> dict[str, np.ndarray]:
        return units[unit_of(None if fold == FULL_FOLD else fold)].tensors()

    return Generators(range(len(units) - 1), load)


def _why_silent(job: Reader, video_id: str) -> str:
    """What became of the sound of a training clip that has none to be learnt from."""
    row = job.rows("ast", job.find_shard(video_id))[video_id]
    return "declared_missing" if row.has_artifact else row.status


def _reasons(job: Reader, video_ids: Iterable[str], needs: SampleStages) -> Iterable[str]:
    """Status with which each of these videos fell out, at the first stage that refused it."""
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
