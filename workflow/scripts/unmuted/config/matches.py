"""Recordings of matches: where they come from, and the grid of steps on which they are read."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import MISSING, Field, PlainSerializer, model_validator

from unmuted.config.fields import (
    AutoBatchSize,
    Distinct,
    FramesASecond,
    Line,
    Positive,
    Section,
    Seed,
    Text,
)

SPLIT_LISTS = ("train", "val", "test")


class MatchSplitSettings(Section):
    """SoccerNet's lists of games: JSON files {league: {season: [game]}}."""

    train: Text | MISSING = Field(MISSING, description="list of the games of the training split")
    val: Text | MISSING = Field(MISSING, description="list of the games of the validation split")
    test: Text | MISSING = Field(MISSING, description="list of the games of the test split")

    @model_validator(mode="after")
    def _has_all_or_none(self) -> Self:
        given = [name for name in SPLIT_LISTS if getattr(self, name) is not MISSING]
        if given and len(given) < len(SPLIT_LISTS):
            raise ValueError(
                f"found lists for {', '.join(given)}; give all of {', '.join(SPLIT_LISTS)}, or none"
            )
        return self


class DemoMatchSettings(Section):
    """The built-in world of matches."""

    matches: int = Field(
        20, ge=1, le=1_000, description="number of matches; more leave the earlier ones as they are"
    )
    seconds: Annotated[
        tuple[Positive, ...],
        Field(strict=False, min_length=2, max_length=2),
        PlainSerializer(list),
    ] = Field((80, 100), description="the shortest and the longest that a half can be")
    seed: Seed = Field(7, description="seed of the whole world")
    kind: Literal["plain", "positive", "negative"] = Field(
        "plain",
        description="plain: picture and sound each tell a part. Two are controls with a known "
        "answer: generated sound must help in the positive one and cannot in the negative one",
    )


class MatchSettings(Section):
    """Where recordings of matches come from; read with `videos.source: matches`."""

    source: Literal["demo", "manifest", "soccernet"] = Field(
        "demo",
        description="the built-in matches, a CSV table, or folders as SoccerNet publishes them",
    )
    manifest: Text | MISSING = Field(
        MISSING,
        description="of source manifest: a CSV file with one row a recording and the columns path, "
        "match and, optionally, half, half_starts, events and split",
    )
    soccernet: Text | MISSING = Field(
        MISSING, description="of source soccernet: the folder that holds the leagues"
    )
    splits: MatchSplitSettings = Field(default_factory=MatchSplitSettings)
    kinds: Distinct[Line] = Field(
        ("Goal", "Shots on target", "Shots off target", "Penalty"),
        description="kinds of events that are highlights; other labelled kinds are known as such",
    )
    demo: DemoMatchSettings = Field(default_factory=DemoMatchSettings)

    @model_validator(mode="after")
    def _has_its_source(self) -> Self:
        if self.source != "demo" and getattr(self, self.source) is MISSING:
            raise ValueError(f"source {self.source!r} needs the key matches.{self.source}")
        if self.source == "manifest" and self.splits.train is not MISSING:
            raise ValueError("splits are lists of SoccerNet's games; a manifest has a column split")
        first, last = self.demo.seconds
        if first > last:
            raise ValueError(f"demo.seconds is {[first, last]}, expected the shorter time first")
        if bad := [kind for kind in self.kinds if not kind.strip() or not kind.isprintable()]:
            raise ValueError(f"kinds: found {bad[0]!r}, expected words")
        return self


class StepSoundSettings(Section):
    """The spectrogram of the sound around every step."""

    sample_rate: int = Field(
        16_000, ge=8_000, le=48_000, description="samples a second to which the sound is brought"
    )
    window_ms: int = Field(25, ge=5, le=200, description="milliseconds of a spectrogram's window")
    hop_ms: int = Field(10, ge=1, le=200, description="milliseconds from one window to the next")
    mels: int = Field(
        64, ge=8, le=128, description="mel bands; with more at this window, some hold no frequency"
    )


class StepSettings(Section):
    """The grid of steps of long recordings: step i shows and sounds what is there at i / rate."""

    rate: FramesASecond = Field(5, description="steps a second")
    image_size: int = Field(
        224,
        ge=32,
        le=1_080,
        description="side in pixels of the square to which the whole picture is scaled for the "
        "network, whatever its shape: a cut would lose the goals at the sides",
    )
    batch_size: AutoBatchSize = Field(
        "auto",
        description="images that the network sees at once; auto: 8 on a CPU, 64 on a GPU",
    )
    sound: StepSoundSettings = Field(default_factory=StepSoundSettings)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        hops = 1000 / self.rate / self.sound.hop_ms
        if abs(hops - round(hops)) > 1e-9 or not 1 <= hops <= 200:
            raise ValueError(
                f"a step of 1/{self.rate:g} s is {hops:.6g} hops of {self.sound.hop_ms} ms, "
                "expected a whole number of them, at most 200"
            )
        for key in ("window_ms", "hop_ms"):
            if getattr(self.sound, key) * self.sound.sample_rate % 1000:
                raise ValueError(
                    f"sound.{key} is no whole number of samples at {self.sound.sample_rate} Hz"
                )
        return self
