"""The whole configuration: every key with its type, range, default and meaning.

The JSON schema and the table of config/README.md are made from this (`make schema`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from unmuted.config.avs_training import AvsSection
from unmuted.config.classifier import ClassifierSettings, DistillationSettings
from unmuted.config.cnn_rnn import CnnRnnSection
from unmuted.config.comparison import ComparisonSettings, FilterSettings
from unmuted.config.experiment import (
    BootstrapSettings,
    EvaluationSettings,
    FitSettings,
    MissingSettings,
    PredictionSettings,
    SplitSettings,
)
from unmuted.config.features import (
    AstSettings,
    CaptionSettings,
    CnnSettings,
    MappingSettings,
    VitSettings,
)
from unmuted.config.fields import Count, Distinct, LayerUnits, Section, Seed
from unmuted.config.generator import (
    GeneratorSection,
    PrototypeSettings,
    RetrievalSettings,
    RidgeSettings,
    VideoGeneratorSettings,
)
from unmuted.config.highlights import HighlightSection
from unmuted.config.matches import MatchSettings, StepSettings
from unmuted.config.media import (
    ClipSettings,
    FlowSettings,
    FrameSettings,
    MediaSettings,
    RepresentativeFrameSettings,
    TimelineSettings,
    WavSettings,
)
from unmuted.config.models import RoleSettings
from unmuted.config.pilot import PilotSection
from unmuted.config.report import ReportSection
from unmuted.config.videos import VideoSettings


class Configuration(Section):
    """Every key, its meaning and its default. Unknown keys are refused."""

    videos: VideoSettings
    videos_per_shard: Count = Field(
        128,
        description="videos one job works on: enough that its imports cost little, few enough that "
        "all cores have a shard; for more than 30,000 see docs/large_data.md; 1 gives one job per "
        "video and stage",
    )
    threads: int = Field(
        1,
        ge=1,
        le=1_024,
        description="CPU threads of a job that runs a model; jobs run side by side, and two of one "
        "thread get more done than one of two (each needs 2 to 4 GB: `--resources mem_mb=...` "
        "bounds them)",
    )
    matches: MatchSettings = Field(default_factory=MatchSettings)
    media: MediaSettings = Field(default_factory=MediaSettings)
    clips: ClipSettings = Field(default_factory=ClipSettings)
    frames: FrameSettings = Field(default_factory=FrameSettings)
    timeline: TimelineSettings = Field(default_factory=TimelineSettings)
    flow: FlowSettings = Field(default_factory=FlowSettings)
    wav: WavSettings = Field(default_factory=WavSettings)
    steps: StepSettings = Field(default_factory=StepSettings)
    avs: AvsSection = Field(default_factory=AvsSection)
    vit: VitSettings = Field(default_factory=VitSettings)
    ast: AstSettings = Field(default_factory=AstSettings)
    cnn: CnnSettings = Field(default_factory=CnnSettings)
    representative_frames: RepresentativeFrameSettings = Field(
        default_factory=RepresentativeFrameSettings
    )
    captions: CaptionSettings = Field(default_factory=CaptionSettings)
    mapping: MappingSettings = Field(default_factory=MappingSettings)
    models: RoleSettings
    device: str = Field(
        "auto",
        pattern="^(auto|cpu|cuda(:[0-9]{1,3})?)$",
        description="auto, cpu, cuda, or one GPU, as cuda:0. auto: a GPU where there is one, "
        "chosen when the job runs. Of several GPUs a job takes one that no other job has, unless "
        "one is named here",
    )
    splits: SplitSettings = Field(default_factory=SplitSettings)
    seeds: Distinct[Seed] = Field(
        (0, 1, 2, 3, 4),
        description="one generator and one classifier of every arm per seed. A result worth "
        "reporting needs at least five; with fewer, every report says that it is exploratory",
    )
    seeds_per_job: Count | None = Field(
        None,
        description="seeds that one job fits, one after the other; null: all of them, which reads "
        "features and imports libraries once; 1 on a cluster, where each seed is a job of its own",
    )
    audio_dim: LayerUnits = Field(128, description="size of the projected audio feature")
    folds: int = Field(
        5,
        ge=2,
        le=1_000,
        description="folds, by source group, in which training clips get their out-of-fold "
        "features",
    )
    fits: FitSettings = Field(default_factory=FitSettings)
    prototypes: PrototypeSettings = Field(default_factory=PrototypeSettings)
    generator: GeneratorSection = Field(default_factory=GeneratorSection)
    video_generator: VideoGeneratorSettings = Field(default_factory=VideoGeneratorSettings)
    pilot: PilotSection = Field(default_factory=PilotSection)
    cnn_rnn: CnnRnnSection = Field(default_factory=CnnRnnSection)
    highlights: HighlightSection = Field(default_factory=HighlightSection)
    retrieval: RetrievalSettings = Field(default_factory=RetrievalSettings)
    ridge: RidgeSettings = Field(default_factory=RidgeSettings)
    filter: FilterSettings = Field(default_factory=FilterSettings)
    missing: MissingSettings = Field(default_factory=MissingSettings)
    predictions: PredictionSettings = Field(default_factory=PredictionSettings)
    comparison: ComparisonSettings = Field(default_factory=ComparisonSettings)
    classifier: ClassifierSettings = Field(default_factory=ClassifierSettings)
    distillation: DistillationSettings = Field(default_factory=DistillationSettings)
    ablations: dict[
        str, Annotated[dict[str, Annotated[list[Any], Field(min_length=1)]], Field(min_length=1)]
    ] = Field(
        {},
        description="grids for `snakemake results/ablations/<grid>.csv`: ablations.<grid>.<key>: "
        "[values]. Each value is tried alone, all else as in this file",
    )
    alternatives: dict[str, dict[str, Any]] = Field(
        {},
        description="values that need a name, for scenarios: alternatives.<key>.<name>: value. A "
        "scenario `models.sentence=other` then takes alternatives.models.sentence.other",
    )
    evaluation: EvaluationSettings = Field(default_factory=EvaluationSettings)
    bootstrap: BootstrapSettings = Field(default_factory=BootstrapSettings)
    report: ReportSection = Field(default_factory=ReportSection)


def inner_section(section: type[Section], key: str) -> type[Section] | None:
    """Return the section under a key of a section; None where the key has a value of its own."""
    annotation = section.model_fields[key].annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, Section) else None


def has_key(dotted: str) -> bool:
    """Return whether the configuration has a key or section such as "frames.short_side"."""
    section: type[Section] | None = Configuration
    for key in dotted.split("."):
        if section is None or key not in section.model_fields:
            return False
        section = inner_section(section, key)
    return True


def sections(section: type[Section] = Configuration) -> Iterator[type[Section]]:
    """Yield a section, the sections that it extends, and all sections in it."""
    yield from (base for base in section.__mro__ if issubclass(base, Section))
    for key in section.model_fields:
        if (inner := inner_section(section, key)) is not None:
            yield from sections(inner)
