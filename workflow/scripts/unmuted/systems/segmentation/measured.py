"""Measures of every second of test clips, and their averages by clip, for the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.systems.segmentation.metrics import f_measure, iou, is_empty, marked_area, strict_iou
from unmuted.systems.segmentation.pixel_counts import PixelCounts, concatenate_counts
from unmuted.systems.segmentation.scoring import SecondScores


@dataclass(frozen=True)
class TestClip:
    """A scored test clip. kind: part of the test set, empty for the main part."""

    __test__ = False  # no test of pytest

    name: str
    group: str
    label: str
    kind: str
    arrays: Mapping[str, np.ndarray]

    @property
    def seconds(self) -> int:
        """The number of seconds."""
        return len(self.arrays["is_labelled"])


@dataclass(frozen=True)
class Seconds:
    """All seconds of N test clips, M in total.

    clip: int (M,), index of the clip. has_truth, is_empty_truth: bool (M,), labelled seconds in
    which something in the picture sounds, or nothing does. is_audible: bool (M,). is_pair: bool
    (M,), seconds in which two clips of the same pictures have disjoint truths that both mark
    something. union_iou: float (M,), IoU of both truths together with the truth.
    """

    clip: np.ndarray
    has_truth: np.ndarray
    is_empty_truth: np.ndarray
    is_audible: np.ndarray
    is_pair: np.ndarray
    union_iou: np.ndarray

    @classmethod
    def of(cls, clips: Sequence[TestClip], silence_db: float) -> Seconds:
        """Describe the seconds of clips."""

        def joined(name: str) -> np.ndarray:
            return np.concatenate([clip.arrays[name] for clip in clips])

        labelled, pair = joined("is_labelled").astype(bool), joined("pair").astype(np.int64)
        own, other, common = pair.T
        has_truth = labelled & (own > 0)
        return cls(
            np.repeat(np.arange(len(clips)), [clip.seconds for clip in clips]),
            has_truth,
            labelled & (own == 0),
            joined("has_audio").astype(bool) & (joined("rms_db") >= silence_db),
            has_truth & (other > 0) & (common == 0),
            own / np.maximum(own + other - common, 1),
        )


@dataclass(frozen=True)
class Scored:
    """The scores of one arm under one condition, of all clips' seconds.

    counts: by seed. agreement: float64 (S, M), IoU of the masks with those of the clip's own sound,
    1 where both are empty. thresholds: indices, by seed.
    """

    counts: tuple[PixelCounts, ...]
    agreement: np.ndarray
    thresholds: tuple[int, ...]

    @classmethod
    def of(
        cls, clips: Sequence[TestClip], arm: str, condition: str, thresholds: Sequence[int]
    ) -> Scored:
        """Join the scores of clips."""
        parts = [SecondScores.unpack(clip.arrays, f"{arm}.{condition}") for clip in clips]
        by_seed = zip(*(part.counts for part in parts), strict=True)
        common = np.concatenate([part.common for part in parts], axis=1)
        either = np.concatenate([part.either for part in parts], axis=1)
        agreement = np.where(either > 0, common / np.maximum(either, 1), 1.0)
        return cls(
            tuple(concatenate_counts(list(of_seed)) for of_seed in by_seed),
            agreement,
            tuple(thresholds),
        )

    def iou(self) -> np.ndarray:
        """IoU where there is truth, else NaN: float64 (S, M)."""
        return self._at_threshold(iou)

    def f(self) -> np.ndarray:
        """F where there is truth, else NaN: float64 (S, M)."""
        return self._at_threshold(f_measure)

    def strict_iou(self) -> np.ndarray:
        """Strict IoU: float64 (S, M)."""
        return self._at_threshold(strict_iou)

    def empty(self) -> np.ndarray:
        """1 where nothing is marked, else 0: float64 (S, M)."""
        return self._at_threshold(is_empty)

    def area(self) -> np.ndarray:
        """Share of the picture that is marked: float64 (S, M)."""
        return self._at_threshold(marked_area)

    def _at_threshold(self, measure: Callable[[PixelCounts], np.ndarray]) -> np.ndarray:
        columns = [
            measure(counts)[:, threshold]
            for counts, threshold in zip(self.counts, self.thresholds, strict=True)
        ]
        return np.stack(columns).astype(np.float64)


def clip_means(values: np.ndarray, counted: np.ndarray, clip: np.ndarray, clips: int) -> np.ndarray:
    """Average the counted seconds of each clip: values (S, M) -> (S, N), NaN without any.

    counted: bool (M,). clip: int (M,), the clip of each second.
    """
    chosen = counted & ~np.isnan(values).any(axis=0)
    number = np.bincount(clip[chosen], minlength=clips)
    sums = np.stack(
        [np.bincount(clip[chosen], weights=row[chosen], minlength=clips) for row in values]
    )
    return np.where(number > 0, sums / np.maximum(number, 1), np.nan)


def own_measures(scored: Scored, seconds: Seconds, clips: int) -> dict[str, np.ndarray]:
    """Return the headline measures with the clips' own sound, by clip (S, N).

    ab_iou: IoU on A/B pairs. iou, f: where there is truth. strict_iou: everywhere. empty_off_screen
    and empty_silent: share of seconds left empty where something out of the picture sounds, and
    where nothing does. false_area: share of the picture that is marked in both.
    """
    labelled = seconds.has_truth | seconds.is_empty_truth
    empty = scored.empty()
    off_screen = seconds.is_empty_truth & seconds.is_audible
    silent = seconds.is_empty_truth & ~seconds.is_audible
    iou_values = scored.iou()
    chosen = {
        "ab_iou": (iou_values, seconds.is_pair),
        "iou": (iou_values, seconds.has_truth),
        "f": (scored.f(), seconds.has_truth),
        "strict_iou": (scored.strict_iou(), labelled),
        "empty_off_screen": (empty, off_screen),
        "empty_silent": (empty, silent),
        "false_area": (scored.area(), seconds.is_empty_truth),
    }
    return {
        name: clip_means(values, counted, seconds.clip, clips)
        for name, (values, counted) in chosen.items()
    }


def condition_measures(scored: Scored, seconds: Seconds, clips: int) -> dict[str, np.ndarray]:
    """Return measures under another sound than the clips' own, by clip (S, N).

    iou: with what sounds in the clip, which this sound does not tell. ab_iou: the same on A/B
    pairs. empty: share of seconds left empty. area: share of the picture that is marked.
    agreement: IoU with the masks of the clip's own sound.
    """
    everywhere = np.ones(len(seconds.clip), bool)
    iou_values = scored.iou()
    chosen = {
        "iou": (iou_values, seconds.has_truth),
        "ab_iou": (iou_values, seconds.is_pair),
        "empty": (scored.empty(), everywhere),
        "area": (scored.area(), everywhere),
        "agreement": (scored.agreement, everywhere),
    }
    return {
        name: clip_means(values, counted, seconds.clip, clips)
        for name, (values, counted) in chosen.items()
    }


def follows(own: Scored, other: Scored, seconds: Seconds, clips: int) -> np.ndarray:
    """Return the share of seconds of A/B pairs whose own sound gives the better mask: (S, N)."""
    better = (own.iou() > other.iou()).astype(np.float64)
    return clip_means(better, seconds.is_pair, seconds.clip, clips)
