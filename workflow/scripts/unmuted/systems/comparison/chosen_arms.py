"""Which arms a comparison has (comparison.arms), and what must be trained and read for them.

Imported by the configuration and the planner, so free of numpy and torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unmuted.evaluation.arms import COMPARED, COMPARISON_ARMS, MATCHED, SWAPPED
from unmuted.features.visual import VISUAL
from unmuted.systems.arch1.percentiles import filter_percentiles

VIDEO = MATCHED
REAL_OR = "real_or_"
ALWAYS = ("video_only", "real_audio")  # what the other arms are compared with
FILTER = (  # settings of filters
    *("filter.mode", "filter.percentiles", "filter.uniform_threshold", "filter.expectation"),
)
DISTILLATION = ("distillation.temperature", "distillation.weight")
PARTS = COMPARISON_ARMS
GENERATED = "generated_"  # how the names of arms begin whose audio a generator made
SORTED_TAIL = "sorted_tail"  # a split of the CNN-RNN under which it cannot be compared


@dataclass(frozen=True)
class ChosenArms:
    """The arms of a comparison, in the order of its report.

    percentiles: of the Feature Filter, candidates of which validation clips choose one.
    """

    arms: tuple[str, ...]
    percentiles: tuple[float, ...]

    @property
    def compared(self) -> tuple[str, ...]:
        """Arms whose predictions the comparison makes; other stages make those of the others."""
        return tuple(arm for arm in self.arms if COMPARISON_ARMS[arm].predictions == COMPARED)

    @property
    def imputing_arms(self) -> tuple[str, ...]:
        """Arms whose audio also imputes that of clips without usable sound: see `imputing_fits`."""
        return tuple(arm for arm in self.arms if COMPARISON_ARMS[arm].imputes)

    @property
    def filters(self) -> tuple[str, ...]:
        """Arms with a classifier for each percentile."""
        return tuple(arm for arm in self._trained if COMPARISON_ARMS[arm].is_filter)

    @property
    def arm_fits(self) -> tuple[str, ...]:
        """Classifiers that give every clip the same kind of audio."""
        return tuple(
            fit
            for arm in self._trained
            if not COMPARISON_ARMS[arm].is_one_classifier
            for fit in self._fits_of(arm)
        )

    @property
    def imputing_fits(self) -> tuple[str, ...]:
        """Classifiers that keep a clip's own sound and impute missing audio; filters come last."""
        ordered = sorted(self.imputing_arms, key=lambda arm: COMPARISON_ARMS[arm].is_filter)
        return tuple(f"{REAL_OR}{fit}" for arm in ordered for fit in self._fits_of(arm))

    @property
    def fits(self) -> tuple[str, ...]:
        """All classifiers that the comparison trains."""
        return (*self.arm_fits, *self.imputing_fits)

    @property
    def _trained(self) -> tuple[str, ...]:
        return tuple(arm for arm in self.compared if COMPARISON_ARMS[arm].classifier_of is None)

    def _fits_of(self, arm: str) -> list[str]:
        if not COMPARISON_ARMS[arm].is_filter:
            return [arm]
        return [at_percentile(arm, percentile) for percentile in self.percentiles]

    # --- what is read -----------------------------------------------------------------------------

    @property
    def audio(self) -> tuple[str, ...]:
        """Stages that the audio of the classifiers comes from; real audio is always among them."""
        arms = (*self.compared, *self.imputing_arms)
        return _once("ast", *(stage for arm in arms for stage in COMPARISON_ARMS[arm].stages))

    @property
    def reads_real_audio(self) -> bool:
        """Whether some classifier is trained on real audio."""
        return bool(self.imputing_arms) or any(
            "ast" in COMPARISON_ARMS[arm].stages for arm in self.compared
        )

    def prepares(self, what: str) -> bool:
        """Tell whether an arm needs STATISTICS of training sound, or SWAPPED audio."""
        return any(what in COMPARISON_ARMS[arm].prepared for arm in self.arms)

    @property
    def posterior(self) -> tuple[str, ...]:
        """Stage of the video-only class posteriors by which filters judge clips."""
        return ("video_posterior",) if self.filters else ()

    @property
    def teachers(self) -> tuple[str, ...]:
        """Stages of the predictions that students among the classifiers learn from."""
        return _once(*(t for arm in self._trained if (t := COMPARISON_ARMS[arm].teacher)))

    @property
    def degraded(self) -> tuple[str, ...]:
        """Stage of the features of degraded sound."""
        return ("degraded_ast",) if self.imputing_arms else ()

    @property
    def swaps(self) -> bool:
        """Whether clips also get the sound of their swap partner."""
        return bool(self.imputing_arms) or self.prepares(SWAPPED)

    @property
    def predictions(self) -> tuple[str, ...]:
        """Stages of predictions that the report reads."""
        return _once(*(COMPARISON_ARMS[arm].predictions for arm in self.arms), *self.at_all_rates)

    @property
    def at_all_rates(self) -> tuple[str, ...]:
        """Stages that the report reads for each share of training audio that is missing."""
        return (COMPARED,) if self.imputing_arms else ()

    @property
    def in_outer_fold(self) -> tuple[str, ...]:
        """Stages that the report reads of the clips of an outer fold."""
        predictions = (COMPARISON_ARMS[arm].predictions for arm in self.arms)
        return _once(*VISUAL, "ast", *self._features, *predictions)

    @property
    def _features(self) -> tuple[str, ...]:
        return _once(*(stage for arm in self.arms for stage in COMPARISON_ARMS[arm].features))

    @property
    def models(self) -> frozenset[str]:
        """Config roles of models that only some arms have."""
        return frozenset(role for arm in self.arms for role in COMPARISON_ARMS[arm].models)

    @property
    def reads(self) -> Mapping[str, tuple[str, ...]]:
        """The sharded and fitted stages that each step of the comparison reads.

        They are a subset of what the step's Stage row declares, which holds for all arms.
        """
        trains = (*VISUAL, *self.audio, "projection")
        selects = (*trains, *self.posterior, "comparison_classifier")
        swaps = ("swap_partners",) if self.swaps else ()
        return {
            "comparison_classifier": (*trains, *self.posterior, *self.teachers),
            "comparison_selection": selects,
            COMPARED: (*selects, *self._degraded_reads, *swaps, "comparison_selection"),
            "comparison": self._read_by_report(),
        }

    @property
    def _degraded_reads(self) -> tuple[str, ...]:
        """Stages by which arms predict from degraded sound, with real audio's classifier."""
        return (*self.degraded, "classifier", "selection") if self.degraded else ()

    def _read_by_report(self) -> tuple[str, ...]:
        """Return the stages of the tables, model names, selections and training curves."""
        fits = [stage for arm in self.arms for stage in COMPARISON_ARMS[arm].fits]
        chosen = ["comparison_selection"] if self.fits else []
        common = (*VISUAL, "ast", "captions", "selection", "truth")
        return _once(
            *common, *self._features, *self.predictions, *fits, *chosen, *self._of_generation
        )

    @property
    def generated(self) -> Mapping[str, str]:
        """The stage of the generated audio of each arm that has such audio, unfiltered."""
        arms = {arm: COMPARISON_ARMS[arm] for arm in self.arms if arm.startswith(GENERATED)}
        return {arm: row.stages[0] for arm, row in arms.items()}

    @property
    def _of_generation(self) -> tuple[str, ...]:
        """Stages of generated audio and of what it is compared with."""
        if not self.generated:
            return ()
        return (*self.generated.values(), "retrieved", "projection", "baselines")


def chosen_arms(config: Mapping[str, Any]) -> ChosenArms:
    """Return the arms of a complete configuration: those of `comparison.arms`, or all.

    The arms of the main experiment are always included, and with an arm the one whose classifier it
    uses. The CNN-RNN is left out if it is trained on validation clips and chosen on training clips.
    """
    wanted = config["comparison"].get("arms") or COMPARISON_ARMS
    rows = [COMPARISON_ARMS[arm] for arm in wanted]
    needed = {other for row in rows for other in (row.classifier_of, row.percentile_of) if other}
    arms = {*ALWAYS, *wanted, *needed}
    if config["cnn_rnn"]["split"] == SORTED_TAIL:
        arms.discard("cnn_rnn")
    ordered = tuple(arm for arm in COMPARISON_ARMS if arm in arms)
    return ChosenArms(ordered, filter_percentiles(config["filter"]))


def at_percentile(arm: str, percentile: float) -> str:
    """Return the name of the classifier whose filter rejects this percentage of clips."""
    return f"{arm}-{percentile:g}"


def base_of(fit: str) -> str:
    """Return the arm of a classifier's name: without real_or_ and without a percentile."""
    return fit.removeprefix(REAL_OR).partition("-")[0]


def _once(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
