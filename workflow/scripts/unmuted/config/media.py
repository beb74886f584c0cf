"""What is read of every video: its time grid, frames, flow and sound."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from unmuted.config.fields import (
    MOST_PIXELS,
    MOST_STEPS,
    DistinctOrNone,
    FramesASecond,
    Language,
    Number,
    Positive,
    Section,
    StepsASecond,
    UpToADay,
)


class MediaSettings(Section):
    """How videos are decoded; it changes no result."""

    sandbox: Literal["auto", "always", "never"] = Field(
        "auto",
        description="run ffmpeg under bubblewrap, which shows it one video and no network. auto: "
        "where bwrap is installed and works; always: refuse to run without it",
    )


class ClipSettings(Section):
    """The time grid: T = fps x seconds time steps are spread evenly over every clip."""

    seconds: UpToADay = Field(3.0, description="nominal length of a clip, in seconds")
    fps: StepsASecond = Field(6, description="time steps a second of a clip of nominal length")

    @model_validator(mode="after")
    def _makes_few_enough_steps(self) -> Self:
        if self.fps * self.seconds > MOST_STEPS:
            raise ValueError(
                f"fps x seconds is {self.fps * self.seconds:,.0f} time steps, expected at most "
                f"{MOST_STEPS:,}"
            )
        return self


class FrameSettings(Section):
    """The frames that are stored of every clip."""

    short_side: int = Field(
        256, ge=16, le=MOST_PIXELS, description="pixels of the short side of stored frames"
    )
    sampling: Literal["even", "every_nth"] = Field(
        "even",
        description="even: the frame shown at each step of the time grid. every_nth: every "
        "int(container's rate / clips.fps)-th frame, as in the source document; clips that do not "
        "give exactly T are refused (ledger status wrong_frame_count)",
    )


class TimelineSettings(Section):
    """Frames over the whole length of a video, however long."""

    fps: FramesASecond = Field(5, description="steps a second, each the frame shown at that time")
    short_side: int = Field(
        144, ge=16, le=1080, description="pixels of the short side of these frames"
    )


class FlowSettings(Section):
    """The optical flow between frames, drawn in colour."""

    max_speed: Positive = Field(
        256,
        description="speed, in pixels of the stored frame a second, drawn at full brightness "
        "(scale fixed)",
    )
    scale: Literal["fixed", "per_pair"] = Field(
        "fixed",
        description="fixed: the same colours for the same speed. per_pair: each pair of frames by "
        "its own extremes, as in the source document; the amount of motion is lost",
    )


class WavSettings(Section):
    """The sound of every clip."""

    silence_db: Number = Field(
        -60, description="clips whose RMS level, in dB of full scale, is lower are silent"
    )
    languages: DistinctOrNone[Language] = Field(
        (),
        description="preferred languages of audio tracks, best first, as files name them (eng); "
        "without one the track that is marked as default, else the first",
    )


class RepresentativeFrameSettings(Section):
    """The frames that are captioned."""

    ratio: Positive = Field(
        1.2, description="frames whose motion exceeds ratio x the clip's mean are captioned"
    )
