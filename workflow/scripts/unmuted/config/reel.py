"""Which moments of a match its reel shows, and how much around them."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from unmuted.config.fields import Count, Section, Share, Text, UpToADay, UpToAMinute


class WindowSettings(Section):
    """What is shown around a moment of one kind."""

    before: UpToAMinute = Field(8, description="seconds before it")
    after: UpToAMinute = Field(5, description="seconds after it")


class ReelSection(WindowSettings):
    """The reel of a match. before and after are those of kinds without windows of their own."""

    windows: dict[Text, WindowSettings] = Field(
        default_factory=dict, description="before and after of single kinds, by their names"
    )
    gap: UpToAMinute = Field(2, description="seconds; segments that are closer become one")
    max_segment: UpToADay = Field(
        60, description="seconds; a longer segment is split where the score is lowest"
    )
    threshold: Share | None = Field(
        None,
        description="moments with a lower score are not shown; null: per kind, the lowest "
        "threshold with the best F-score at 5 s on validation matches, recall counting twice",
    )
    max_seconds: UpToADay | None = Field(
        None,
        description="seconds of a reel, which then shows the best moments that fit, whatever the "
        "threshold; null: all moments above it",
    )
    rows: Count = Field(
        100, description="rows of highlights.csv; more if the reel shows more moments than these"
    )

    @model_validator(mode="after")
    def _fits_into_a_segment(self) -> Self:
        windows: tuple[WindowSettings, ...] = (self, *self.windows.values())
        needed = max(w.before for w in windows) + max(w.after for w in windows)
        if needed > self.max_segment:
            raise ValueError(
                f"windows of {needed:g} s are longer than max_segment, {self.max_segment:g} s"
            )
        if min(w.before + w.after for w in windows) <= 0:
            raise ValueError("before and after are both 0, so that nothing would be shown")
        return self
