"""The plan of a run: what every artifact is made from, where it lies, what calls for a visit.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

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
from unmuted.runner import found_damage
from unmuted.splits import check_classes, check_groups, make_splits, read_groups
from unmuted.stages import BY_VIDEO, SOURCE_READERS, STAGES, Stage
from unmuted.text import printable

if TYPE_CHECKING:
    from unmuted.media.probe import Limits

ROOT = Path(__file__).resolve().parents[3]
RESULTS = Path("results")
ORIGIN = RESULTS / ".source.json"


class Plan(Corpus):
    """The configuration and the videos with the recipes that follow from them."""

    def __init__(self, config: Mapping[str, object]) -> None:
        super().__init__(config)
        self._identities: dict[str, str] = {}
        self._visits: dict[tuple[str, str | None], str] = {}

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
        """Raise UserError unless labels and splits allow a classifier to be trained and tested."""
        self.check_labels()
        check_groups(self.dataset.videos, self.splits, self.config["folds"])

    def check_source(self) -> None:
        """Raise UserError if results/ was made from other videos, which this run would sweep."""
        check_origin(ORIGIN, origin_of(self.config["videos"]))

    def note_source(self) -> None:
        """Note the source of the videos in results/. Raises UserError like `check_source`."""
        note_origin(ORIGIN, origin_of(self.config["videos"]))

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
        """The configured model of a role (vit, ast, blip, sentence)."""
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
        settings = {key: setting(self.config, key) for key in stage.settings}
        models = {
            role: [self.model_identity(role), self.config["models"][role]["dtype"]]
            for role in stage.models
        }
        device = self.config["device"] if stage.models else None
        return recipe(stage.name, code_digest(stage.script), settings, [models, device], inputs)

    def shard_recipe(self, stage_name: str, shard: str) -> str:
        """For `params:` of a stage's rule: changes when a visit to this shard may find work.

        Chained over all upstream stages, down to the stamps of the source videos: Snakemake takes a
        missing ledger between stages for no reason to run (a job that failed leaves one), so the
        rule of the last stage must know itself that something upstream has changed. Raises
        UserError for a shard that is not part of this run.
        """
        if shard not in self.shards:
            raise UserError(f"no shard {shard!r} in this run; there are {_some(self.shards)}")
        return self._visit(stage_name, shard)

    def fit_recipe(self, stage_name: str) -> str:
        """For `params:` of a fit's rule: the same, over all shards, with the labels and splits."""
        return self._visit(stage_name, None)

    def _visit(self, stage_name: str, shard: str | None) -> str:
        if (stage_name, shard) not in self._visits:
            stage = STAGES[stage_name]
            upstream = [self._visit(name, shard) for name in (*self.inputs(stage), *stage.optional)]
            upstream += [self._visit(name, one) for name in stage.pooled for one in self.shards]
            upstream += [self._visit(name, None) for name in stage.fits]
            damage = found_damage(self.folder(stage_name, shard), parts=not stage.is_sharded)
            seen = [self._seen_directly(stage, shard), damage, upstream]
            self._visits[stage_name, shard] = self.recipe(stage_name, seen)
        return self._visits[stage_name, shard]

    def _seen_directly(self, stage: Stage, shard: str | None) -> object:
        """What a stage sees of the videos other than through the artifacts of other stages."""
        if shard is None:
            return self._experiment_digest
        ids = self.shards[shard]
        if stage.name in ("clips", "truth"):
            return [asdict(self.demo_clips[name]) for name in ids]
        if stage.name == "probe" and not self.is_demo:
            return {name: self.videos[name].stamp() for name in ids}
        return ids

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
        folder = RESULTS / stage_name
        return folder / f"{shard}.ledger.csv" if shard else RESULTS / f"{stage_name}.ledger.csv"

    def folder(self, stage_name: str, shard: str | None = None) -> Path:
        """Folder of the artifacts of a shard, or of a stage that is not sharded."""
        folder = RESULTS / stage_name
        return folder / shard if shard else folder

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

    def report_recipe(self, script: str) -> str:
        """For `params:` of a report: its code, the configuration, and all that is upstream."""
        stages = ("predictions", "mapping", *(["truth"] if self.is_demo else []))
        upstream = [self._visit(name, shard) for name in stages for shard in self.shards]
        return digest_json([code_digest(script), self.config, upstream])

    def by_video_recipe(self, artifact: str, video_id: str) -> str:
        """For `params:` of the rule that copies one video's artifact."""
        return self.shard_recipe(BY_VIDEO[artifact], self.require_shard(video_id))


def _some(names: Iterable[str], most: int = 5) -> str:
    first = list(names)
    return ", ".join(first[:most]) + (f", ... ({len(first)})" if len(first) > most else "")
