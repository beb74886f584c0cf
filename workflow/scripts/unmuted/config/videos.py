"""Where the videos come from, and which of them are refused."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import MISSING, Field, model_validator

from unmuted.config.fields import (
    Count,
    Gigabytes,
    Megapixels,
    Section,
    Seed,
    Text,
    UpToADay,
    UpToAMinute,
)


class ColumnSettings(Section):
    """Names of the manifest's columns where they differ from ours."""

    path: Text | MISSING = Field(MISSING, description="the column with the path")
    label: Text | MISSING = Field(MISSING, description="the column with the label")
    video_id: Text | MISSING = Field(MISSING, description="the column with the video_id")
    split: Text | MISSING = Field(MISSING, description="the column with the split")
    group: Text | MISSING = Field(MISSING, description="the column with the group")
    unit: Text | MISSING = Field(
        MISSING,
        description="the column with the unit: videos of one unit, such as the halves of a match, "
        "lie in one shard",
    )
    masks: Text | MISSING = Field(
        MISSING, description="the column with the masks: a folder of PNG files <second>.png"
    )
    boxes: Text | MISSING = Field(
        MISSING,
        description="the column with the boxes: a folder of labelImg's files <second>.xml, read of "
        "training videos alone",
    )


class FamilySettings(Section):
    """The world of families (kind segmentation): pictures of two objects with soundtracks."""

    pictures: Count = Field(900, description="training pictures, each with one soundtrack")
    val: Count = Field(40, description="validation families, of four clips each")
    test: Count = Field(80, description="test families, of four clips each")
    extra: int = Field(
        20,
        ge=0,
        le=10_000,
        description="test pictures in which both objects sound, and as many of two objects of one "
        "scene, with two clips each; reported apart",
    )


class DemoSettings(Section):
    """The built-in world."""

    classes: int | MISSING = Field(
        MISSING, ge=2, le=1_000, description="number of its classes; all unless given"
    )
    clips_per_class: int = Field(
        36,
        ge=6,
        le=100_000,
        description="clips of each class; more leave the earlier ones as they are",
    )
    seed: Seed = Field(7, description="seed of the whole world")
    families: FamilySettings = Field(default_factory=FamilySettings)
    kind: Literal["plain", "cued", "positive", "negative", "segmentation"] = Field(
        "plain",
        description="what the picture tells of the sound. cued: visible signs partly fix it, few "
        "clips have a label, many have sound without one; plain: hardly anything but the scene. "
        "Two are controls with a known answer: generated audio must help in the positive one and "
        "cannot in the negative one. segmentation: pictures of two objects, of which the sound "
        "tells what sounds; its size stands under families",
    )


class VideoSettings(Section):
    """Where the videos come from."""

    source: Literal["demo", "folder", "manifest", "ucf101", "matches"] = Field(
        description="the built-in world, a folder of class folders, a CSV table, UCF101 as it "
        "is published, or recordings of matches (section `matches`)"
    )
    folder: Text | MISSING = Field(MISSING, description="of source folder: FOLDER/<class>/<video>")
    manifest: Text | MISSING = Field(
        MISSING, description="of source manifest: a CSV file with one row a video"
    )
    ucf101: Text | MISSING = Field(
        MISSING,
        description="of source ucf101: a folder with files v_<Class>_g<group>_c<clip>.avi at any "
        "depth; label and group come from the name",
    )
    root: Text | MISSING = Field(
        MISSING,
        description="folder that the manifest's paths are relative to; the manifest's own unless "
        "given",
    )
    columns: ColumnSettings = Field(default_factory=ColumnSettings)
    follow_links: bool = Field(
        False, description="read videos through symbolic links that lead out of the folder"
    )
    demo: DemoSettings = Field(default_factory=DemoSettings)
    max_seconds: UpToADay = Field(
        60, description="seconds; longer videos are refused (ledger status too_long)"
    )
    min_seconds: UpToAMinute = Field(
        0.025,
        description="seconds; shorter videos are refused (ledger status too_short); the default is "
        "one window of the sound's spectrogram",
    )
    max_megapixels: Megapixels = Field(
        34,
        description="megapixels; larger pictures are refused (ledger status too_large). The memory "
        "that decoding jobs ask for and may take follows from it",
    )
    max_gigabytes: Gigabytes = Field(
        64,
        description="gigabytes; larger files are refused before they are hashed (ledger status "
        "file_too_large), and so are files that are holes by more than half (sparse)",
    )

    @model_validator(mode="after")
    def _has_its_source(self) -> Self:
        if self.source not in ("demo", "matches") and getattr(self, self.source) is MISSING:
            raise ValueError(f"source {self.source!r} needs the key videos.{self.source}")
        return self
