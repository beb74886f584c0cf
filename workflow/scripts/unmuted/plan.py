"""The plan of a run: what every artifact is made from, where it lies, what calls for a visit.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from unmuted.config import setting, time_steps
from unmuted.corpus import Corpus
from unmuted.dataset import check_experiment
from unmuted.errors import UserError
from unmuted.features.loading import (
    ModelSpec,
    config_value,
    from_config,
    model_identity,
    require_models,
)
from unmuted.origin import check_origin, note_origin, origin_of
from unmuted.recipes import code_digest, digest_json, recipe
from unmuted.report.planned import ablated_arms, check_report_arms
from unmuted.runner import found_damage
from unmuted.splits import check_classes, check_groups, make_splits, read_groups
from unmuted.stages import (
    ARMS_OF_SETTINGS,
    BY_VIDEO,
    FILLED_ARMS,
    REPORTS,
    SOURCE_READERS,
    STAGES,
    VISUAL,
    Stage,
)
from unmuted.text import printable
from unmuted.variants import apply_variant, changed_setting, variant_name, variant_path

if TYPE_CHECKING:
    from unmuted.media.probe import Limits

ROOT = Path(__file__).resolve().parents[3]
RESULTS = Path("results")
ORIGIN = RESULTS / ".source.json"
NOTED = RESULTS / ".videos.jsonl"
SPLITS = RESULTS / "splits.csv"


@dataclass(frozen=True)
class Ablation:
    """One setting of a grid at one of its values.

    run: the variant, or the run itself where the value is its own. arms: what the setting changes.
    """

    key: str
    value: object
    run: Plan
    arms: tuple[str, ...]


class Plan(Corpus):
    """The configuration and the videos with the recipes that follow from them."""

    def __init__(self, config: Mapping[str, object]) -> None:
        super().__init__(config)
        self.base: Self | None = None  # the run that this is a variant of
        self._path = ""
        self._variants: dict[str, Self] = {}
        self._forget()

    @classmethod
    def of_job(cls, config: Mapping[str, object]) -> Self:
        """For a job: with the videos that the Snakemake which planned it has noted."""
        project = cls(config)
        project.read_note(NOTED)
        return project

    def _forget(self) -> None:
        self._identities: dict[str, str] = {}
        self._visits: dict[tuple[str, str | None], str] = {}
        self._makeups: dict[str, str] = {}
        self._all_visits: dict[str, str] = {}
        self._gaps: dict[str, list[Path]] = {}
        self._is_sound = False  # the experiment, by `check_experiment`

    def variant(self, path: str) -> Self:
        """The same videos with other settings; `path` as in `variants.variant_path`, or empty.

        Raises UserError for settings that do not exist or that a variant may not change.
        """
        if not path:
            return self
        if path not in self._variants:
            other = copy.copy(self)  # with the videos, shards and splits that were read already
            other.config = apply_variant(self.config, variant_name(path))
            other.base, other._path, other._variants = self, path, {}
            other._forget()
            self._variants[path] = other
        return self._variants[path]

    def variant_of(self, name: str) -> Self:
        """The variant of a name such as "folds=3"; the run itself for the empty name."""
        return self.variant(variant_path(name))

    def check(self) -> None:
        """Raise UserError for all that is known to be wrong before any job starts.

        A data set without labels is fine here: everything but the fits can be made of it.
        """
        if self.dataset.classes:
            self.check_labels()
        for role in self.config["models"]:
            self.model_identity(role)
        self.check_audio_dim()

    def check_audio_dim(self) -> None:
        """Raise UserError if AST is known to give fewer features than are to be made of them."""
        width = config_value(self.model_spec("ast"), "hidden_size")
        if isinstance(width, int) and self.config["audio_dim"] > width:
            raise UserError(
                f"audio_dim is {self.config['audio_dim']}, but AST ({self.model_spec('ast').name}) "
                f"gives {width} features: set audio_dim to at most {width}"
            )

    def check_labels(self) -> None:
        """Raise UserError where labels and splits contradict an experiment, however large."""
        check_experiment(self.dataset)
        check_classes(self.dataset.videos, self.splits)

    def check_experiment(self) -> None:
        """Raise UserError unless labels and splits allow a classifier to be trained and tested.

        Looked into once: every shard of every stage that follows the fits asks.
        """
        if not self._is_sound and self.noted is None:  # a job's were checked when it was planned
            self.check_labels()
            check_groups(self.dataset.videos, self.splits, self.config["folds"])
            self._is_sound = True

    def check_source(self) -> None:
        """Raise UserError if results/ was made from other videos, which this run would sweep."""
        check_origin(ORIGIN, origin_of(self.config["videos"]))

    def note_source(self) -> None:
        """Note the source of the videos in results/, and the videos for the jobs.

        Raises UserError like `check_source`.
        """
        note_origin(ORIGIN, origin_of(self.config["videos"]))
        runs = (self, *self._variants.values())
        self.note_videos(NOTED, {run._path: run._planned_visits() for run in runs})

    # --- stages -----------------------------------------------------------------------------------

    @property
    def time_steps(self) -> int:
        """T, the time steps of every clip."""
        return time_steps(self.config)

    def inputs(self, stage: Stage) -> tuple[str, ...]:
        """Stages that a stage reads; in the demo the source videos are a stage's artifacts too."""
        reads_demo_clips = self.is_demo and stage.name in SOURCE_READERS
        return (*stage.inputs, "clips") if reads_demo_clips else stage.inputs

    def model_spec(self, role: str) -> ModelSpec:
        """The configured model of a role, a key of the section `models`."""
        return from_config(self.config["models"][role], ROOT)

    def model_identity(self, role: str) -> str:
        """Digest of a model's weights and settings, or its hub id and revision; looked up once."""
        if role not in self._identities:
            spec = self.model_spec(role)
            self._identities[role] = model_identity(spec, RESULTS / ".models.json")
        return self._identities[role]

    def require_models(self, rules: Collection[str]) -> None:
        """Fetch the models that jobs of these rules run and that are not at hand.

        Raises UserError naming all that are missing.
        """
        roles = {
            role for stage in STAGES.values() if stage.script in rules for role in stage.models
        }
        require_models({role: self.model_spec(role) for role in sorted(roles)})
        self.check_audio_dim()

    def recipe(self, stage_name: str, inputs: object) -> str:
        """Recipe of an artifact of a stage made from `inputs` (a JSON value)."""
        stage = STAGES[stage_name]
        settings = self.settings(stage.settings)
        models = {
            role: [self.model_identity(role), self.config["models"][role]["dtype"]]
            for role in stage.models
        }
        device = self.config["device"] if stage.models else None
        return recipe(stage.name, code_digest(stage.script), settings, [models, device], inputs)

    def settings(self, keys: Iterable[str]) -> dict[str, object]:
        """Values of these keys, by key."""
        return {key: setting(self.config, key) for key in keys}

    def visit_recipe(self, stage_name: str, shard: str | None = None) -> str:
        """For `params:` of a stage's rule: changes when a visit (to this shard) may find work.

        Chained over all upstream stages, down to the stamps of the source videos: Snakemake takes a
        missing ledger between stages for no reason to run (a job that failed leaves one), so the
        rule of the last stage must know itself that something upstream has changed. Raises
        UserError for a shard that is not part of this run.
        """
        if shard is not None and not self.has_shard(shard):
            raise UserError(f"no shard {shard!r} in this run; there are {_some(self.shards)}")
        self._check_own(stage_name)
        return self._visit(stage_name, shard)

    def _check_own(self, stage_name: str) -> None:
        if self.home(stage_name) is not self:
            raise UserError(
                f"nothing that {self._path.rstrip('/')} changes reaches the stage {stage_name}: "
                f"use {self.home(stage_name).folder(stage_name)}"
            )

    def home(self, stage_name: str) -> Self:
        """Where a stage's artifacts lie: here, or in the run that this is a variant of."""
        same = self.base is not None and self._makeup(stage_name) == self.base._makeup(stage_name)
        return self.base if same else self

    def _makeup(self, stage_name: str) -> str:
        """Digest of all settings and models that reach a stage, whatever the videos are."""
        if stage_name not in self._makeups:
            stage = STAGES[stage_name]
            upstream = (*stage.inputs, *stage.optional, *stage.pooled, *stage.fits)
            made_of = [self._makeup(name) for name in upstream]
            made_of.append(self.settings(stage.unit_settings))
            self._makeups[stage_name] = self.recipe(stage_name, made_of)
        return self._makeups[stage_name]

    def _visit(self, stage_name: str, shard: str | None) -> str:
        home = self.home(stage_name)
        if home is not self:
            return home._visit(stage_name, shard)
        if shard is None and (planned := self._noted_visit("fits", stage_name)):
            return planned
        if (stage_name, shard) not in self._visits:
            stage = STAGES[stage_name]
            upstream = [self._visit(name, shard) for name in (*self.inputs(stage), *stage.optional)]
            upstream += [self._visit_all(name) for name in stage.pooled]
            upstream += [self._visit(name, None) for name in stage.fits]
            damage = found_damage(self.folder(stage_name, shard), parts=not stage.is_sharded)
            seen = [self._seen_directly(stage, shard), damage, upstream]
            seen.append(self.settings(stage.unit_settings))
            self._visits[stage_name, shard] = self.recipe(stage_name, seen)
        return self._visits[stage_name, shard]

    def _visit_all(self, stage_name: str) -> str:
        """The visits to all shards of a stage as one digest.

        Worked out once: each shard of the stages that follow the fits has it upstream.
        """
        home = self.home(stage_name)
        if home is not self:
            return home._visit_all(stage_name)
        if planned := self._noted_visit("all", stage_name):
            return planned
        if stage_name not in self._all_visits:
            visits = [self._visit(stage_name, shard) for shard in self.shards]
            self._all_visits[stage_name] = digest_json(visits)
        return self._all_visits[stage_name]

    def _planned_visits(self) -> dict[str, object]:
        """What the plan has found out about all shards, for jobs that see one of them."""
        fits = {name: visit for (name, shard), visit in self._visits.items() if shard is None}
        return {"config": digest_json(self.config), "fits": fits, "all": self._all_visits}

    def _noted_visit(self, kind: str, stage_name: str) -> str | None:
        """In a job: the visit of all shards or of a fit that was planned, for these settings.

        Without it every job that follows the fits would look at every video of the run.
        """
        planned = {} if self.noted is None else self.noted.visits.get(self._path, {})
        if planned.get("config") != digest_json(self.config):
            return None
        return planned[kind].get(stage_name)

    def _seen_directly(self, stage: Stage, shard: str | None) -> object:
        """What a stage sees of the videos other than through the artifacts of other stages."""
        if shard is None:
            return self._experiment_digest if stage.reads_videos else None
        videos = self.videos_of(shard)
        if stage.name in ("clips", "truth"):
            return [asdict(self.demo_clips[name]) for name in videos]
        if stage.name == "probe" and not self.is_demo:
            return {name: video.stamp() for name, video in videos.items()}
        return list(videos)

    @cached_property
    def _experiment_digest(self) -> str:
        videos = self.dataset.videos
        table = [[video.video_id, video.label, video.split, video.group] for video in videos]
        return digest_json([table, self.splits_recipe, self.config["seeds"]])

    @property
    def limits(self) -> Limits:
        """What is refused of a video: its length, the size of its picture."""
        from unmuted.media.probe import Limits

        videos = self.config["videos"]
        pixels = int(videos["max_megapixels"] * 1e6)
        return Limits(max_seconds=videos["max_seconds"], max_pixels=pixels)

    @property
    def generator_settings(self) -> dict[str, object]:
        """What the configuration says about the generator's network and its training."""
        return {key: value for key, value in self.config["generator"].items() if key != "draws"}

    @property
    def trains_sentences(self) -> bool:
        """Whether the sentence encoder is trained with the generator, which then reads captions."""
        return self.config["generator"]["text_adapter"] == "full"

    # --- splits -----------------------------------------------------------------------------------

    @property
    def kept_splits(self) -> Path:
        """Where splits that were made are kept, beside the table: Snakemake deletes outputs."""
        return RESULTS / f".splits-{self.splits_recipe[:12]}.csv"

    @cached_property
    def splits(self) -> Mapping[str, str]:
        """Split of every labelled video, by id; groups that had one before keep it."""
        earlier = read_groups(self.kept_splits) if self.kept_splits.exists() else {}
        seed = self.config["splits"]["seed"]
        return make_splits(self.dataset.videos, self.split_shares, seed, earlier)

    # --- where things lie -------------------------------------------------------------------------

    def ledger(self, stage_name: str, shard: str | None = None) -> Path:
        """Ledger of a shard, or of a stage that is not sharded."""
        folder = self._stage_folder(stage_name)
        name = f"{shard}.ledger.csv" if shard else f"{stage_name}.ledger.csv"
        return (folder if shard else folder.parent) / name

    def folder(self, stage_name: str, shard: str | None = None) -> Path:
        """Folder of the artifacts of a shard, or of a stage that is not sharded."""
        folder = self._stage_folder(stage_name)
        return folder / shard if shard else folder

    def _stage_folder(self, stage_name: str) -> Path:
        return RESULTS / self.home(stage_name)._path / stage_name

    def parts(self, stage_name: str) -> list[str | None]:
        """Parts of a fitted stage that have a ledger each: its seeds, or the whole."""
        by_seed = STAGES[stage_name].by_seed
        return [f"seed-{seed}" for seed in self.config["seeds"]] if by_seed else [None]

    def needs(self, stage_name: str, shard: str | None = None) -> list[Path]:
        """What a stage (of one shard) reads: for `input:` of its rule.

        A shard that follows the fits does not name all shards of what is pooled, since the fits do
        (`tests/test_rules.py` holds that to be so): shards that each name all shards would make the
        plan grow with the square of their number. It names those that were lost after the fits.
        """
        stage = STAGES[stage_name]
        found = [self.ledger(name, shard) for name in (*self.inputs(stage), *stage.optional)]
        found += self._lost(stage) if stage.is_sharded else self._pooled(stage)
        found += [self.ledger(name, part) for name in stage.fits for part in self.parts(name)]
        if stage.pooled or stage.reads_splits:
            self.check_experiment()
            found.append(SPLITS)
        return list(dict.fromkeys(found))

    def _pooled(self, stage: Stage) -> list[Path]:
        return [self.ledger(name, one) for name in stage.pooled for one in self.shards]

    def _lost(self, stage: Stage) -> list[Path]:
        """Pooled ledgers that are not there although all fits of the stage are."""
        if stage.name not in self._gaps:
            fits = [self.ledger(name, part) for name in stage.fits for part in self.parts(name)]
            are_there = all(ledger.exists() for ledger in fits)
            lost = [one for one in self._pooled(stage) if not one.exists()] if are_there else []
            self._gaps[stage.name] = lost
        return self._gaps[stage.name]

    # --- what Snakemake is told of tables, reports and copies -------------------------------------

    @property
    def table_digest(self) -> str:
        """Digest of the data set as a table; for `params:` of the rule that writes it."""
        videos = self.dataset.videos
        return digest_json(
            [
                [v.video_id, printable(v.path or ""), v.label, v.split, v.group, dict(v.extra)]
                for v in videos
            ]
        )

    @property
    def splits_recipe(self) -> str:
        """Digest of how splits are made, where the manifest gives none."""
        return digest_json([self.split_shares, self.config["splits"]["seed"]])

    def report_needs(self, name: str) -> list[Path]:
        """All that a report reads: for `input:` of its rule. Raises UserError as the fits do."""
        check_report_arms(name, self.config)
        self.check_experiment()
        found = [SPLITS]
        for run, stage in self._report_stages(name):
            parts = self.shards if STAGES[stage].is_sharded else run.parts(stage)
            found += [run.ledger(stage, part) for part in parts]
        return list(dict.fromkeys(found))

    def report_recipe(self, name: str) -> str:
        """For `params:` of a report: its code, the configuration, and all that is upstream."""
        upstream = []
        for run, stage in self._report_stages(name):
            parts = self.shards if STAGES[stage].is_sharded else [None]
            upstream += [run._visit(stage, part) for part in parts]
        return digest_json([code_digest(REPORTS[name].script), self.config, upstream])

    def _report_stages(self, name: str) -> list[tuple[Self, str]]:
        report = REPORTS[name]
        truth = ["truth"] if self.is_demo else []
        found = [(self, stage) for stage in (*report.pooled, *report.fits, *truth)]
        others = self.training_rates().values() if report.at_all_rates else []
        return found + [(run, stage) for run in others for stage in report.at_all_rates]

    def training_rates(self) -> dict[float, Self]:
        """The run trained with each share of training audio declared missing, by that share."""
        own = self.config["missing"]["training_rate"]
        rates = sorted({own, *self.config["missing"]["training_rates"]})
        names = {rate: changed_setting("missing.training_rate", rate) for rate in rates}
        return {rate: self if rate == own else self.variant_of(names[rate]) for rate in rates}

    def ablations(self, grid: str) -> list[Ablation]:
        """The settings of a named grid, each changed alone. UserError for an unknown name."""
        grids = self.config["ablations"]
        if grid not in grids:
            known = ", ".join(grids) or "none"
            raise UserError(
                f"no grid {grid!r} under `ablations` in the configuration; known: {known}"
            )
        found = []
        for key, values in grids[grid].items():
            if key.startswith("missing."):
                raise UserError(
                    f"ablations.{grid}: results/comparison.json compares {key}; say which values "
                    "under missing.training_rates, missing.test_rates and missing.kinds"
                )
            for value in values:
                run = self.variant_of(changed_setting(key, value))
                same = setting(run.config, key) == setting(self.config, key)
                if not same and run.home("comparison_predictions") is self:
                    raise UserError(
                        f"ablations.{grid}: no classifier that is given audio reads {key}, and "
                        "only these stand in grids; choose another key"
                    )
                arms = ablated_arms(grid, key, arms_of(key), self.config)
                found.append(Ablation(key, value, self if same else run, arms))
        return found

    def ablation_needs(self, grid: str) -> list[Path]:
        """All that a grid's table reads: for `input:` of its rule."""
        self.check_experiment()
        read = [run.ledger(stage, shard) for run, stage, shard in self._ablation_reads(grid)]
        spaces = [ablation.run.ledger("projection") for ablation in self.ablations(grid)]
        return list(dict.fromkeys([SPLITS, *spaces, *read]))

    def ablation_recipe(self, grid: str) -> str:
        """For `params:` of a grid's rule."""
        upstream = [run._visit(stage, shard) for run, stage, shard in self._ablation_reads(grid)]
        return digest_json([code_digest("write_ablations"), self.config, upstream])

    def _ablation_reads(self, grid: str) -> list[tuple[Self, str, str]]:
        found = []
        for ablation in self.ablations(grid):
            stages = ["predictions", "generated", *VISUAL, "ast"]
            if ablation.arms != ("generated",):
                stages += ["comparison_predictions", "video_generated", "pilot_generated"]
            runs = (self, ablation.run)
            found += [
                (run, stage, shard) for run in runs for stage in stages for shard in self.shards
            ]
        return found

    def by_video_recipe(self, artifact: str, video_id: str) -> str:
        """For `params:` of the rule that copies one video's artifact."""
        return self.home(BY_VIDEO[artifact]).visit_recipe(
            BY_VIDEO[artifact], self.require_shard(video_id)
        )


def arms_of(key: str) -> tuple[str, ...]:
    """The arms with generated or retrieved audio that a setting reaches."""
    reached = [
        arms for start, arms in ARMS_OF_SETTINGS.items() if f"{key}.".startswith(f"{start}.")
    ]
    return reached[0] if reached else FILLED_ARMS


def _some(names: Iterable[str], most: int = 5) -> str:
    first = list(names)
    return ", ".join(first[:most]) + (f", ... ({len(first)})" if len(first) > most else "")
