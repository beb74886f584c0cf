"""Which arms a comparison has (comparison.arms), and what must be trained and read for them.

Imported by the configuration and the planner, so free of numpy and torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unmuted.evaluation.arms import COMPARED, COMPARISON_ARMS, MAIN, MATCHED, SWAPPED
from unmuted.features.visual import VISUAL
from unmuted.systems.arch1.percentiles import filter_percentiles

VIDEO = MATCHED
REAL_OR = "real_or_"
ALWAYS = ("video_only", "real_audio")  # what the other arms are compared with
FILTER = ("filter.mode", "filter.percentiles", "filter.uniform_threshold")  # settings of filters
PARTS = COMPARISON_ARMS
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
        """Arms whose predictions the comparison makes; those of the others are made elsewhere."""
        return tuple(arm for arm in self.arms if COMPARISON_ARMS[arm].predictions == COMPARED)

    @property
    def fillings(self) -> tuple[str, ...]:
        """Arms whose audio is also given only to clips without usable sound: `filling_units`."""
        return tuple(arm for arm in self.arms if COMPARISON_ARMS[arm].imputes)

    @property
    def filters(self) -> tuple[str, ...]:
        """Arms with a classifier for each percentile."""
        return tuple(arm for arm in self._trained if COMPARISON_ARMS[arm].is_filter)

    @property
    def always_units(self) -> tuple[str, ...]:
        """Classifiers that give every clip the same kind of audio."""
        return tuple(unit for arm in self._trained for unit in self._units_of(arm))

    @property
    def filling_units(self) -> tuple[str, ...]:
        """Classifiers that keep a clip's own sound and fill what is missing; filters come last."""
        ordered = sorted(self.fillings, key=lambda arm: COMPARISON_ARMS[arm].is_filter)
        return tuple(f"{REAL_OR}{unit}" for arm in ordered for unit in self._units_of(arm))

    @property
    def units(self) -> tuple[str, ...]:
        """All classifiers that the comparison trains."""
        return (*self.always_units, *self.filling_units)

    @property
    def _trained(self) -> tuple[str, ...]:
        return tuple(arm for arm in self.compared if COMPARISON_ARMS[arm].classifier_of is None)

    def _units_of(self, arm: str) -> list[str]:
        if not COMPARISON_ARMS[arm].is_filter:
            return [arm]
        return [at_percentile(arm, percentile) for percentile in self.percentiles]

    # --- what is read -----------------------------------------------------------------------------

    @property
    def audio(self) -> tuple[str, ...]:
        """Stages that the audio of the classifiers is made of; real audio is always among them."""
        of_units = (*self.compared, *self.fillings)
        return _once("ast", *(stage for arm in of_units for stage in COMPARISON_ARMS[arm].stages))

    @property
    def hears(self) -> bool:
        """Whether some classifier is trained on real audio."""
        return bool(self.fillings) or any(
            "ast" in COMPARISON_ARMS[arm].stages for arm in self.compared
        )

    def prepares(self, what: str) -> bool:
        """Whether an arm needs STATISTICS of training sound, or SWAPPED audio."""
        return any(what in COMPARISON_ARMS[arm].prepared for arm in self.arms)

    @property
    def posterior(self) -> tuple[str, ...]:
        """Stage of the video-only predictions, by which filters judge validation and test clips."""
        return (MAIN,) if self.filters else ()

    @property
    def noise(self) -> tuple[str, ...]:
        """Stage of the features of noise, one kind of missing audio."""
        return ("noise_ast",) if self.fillings else ()

    @property
    def swaps(self) -> bool:
        """Whether clips are also played the sound of others."""
        return bool(self.fillings) or self.prepares(SWAPPED)

    @property
    def predictions(self) -> tuple[str, ...]:
        """Stages of predictions that the report reads."""
        return _once(*(COMPARISON_ARMS[arm].predictions for arm in self.arms), *self.at_all_rates)

    @property
    def at_all_rates(self) -> tuple[str, ...]:
        """Stages that the report reads for each share of training audio that is missing."""
        return (COMPARED,) if self.fillings else ()

    @property
    def models(self) -> frozenset[str]:
        """Config roles of models that not every arm has."""
        return frozenset(role for arm in self.arms for role in COMPARISON_ARMS[arm].models)

    @property
    def reads(self) -> Mapping[str, tuple[str, ...]]:
        """For each step of the comparison the stages that it reads, sharded and fitted ones alike.

        A subset of what the table of stages declares for it, which holds for all arms together.
        """
        trains = (*VISUAL, *self.audio, "projection")
        selects = (*trains, *self.posterior, "comparison_classifier")
        swaps = ("swap_partners",) if self.swaps else ()
        return {
            "comparison_classifier": trains,
            "comparison_selection": selects,
            COMPARED: (*selects, *self.noise, *swaps, "comparison_selection"),
            "comparison": self._read_by_report(),
        }

    def _read_by_report(self) -> tuple[str, ...]:
        """Stages behind the tables, the models' names, the choices and the training curves."""
        features = [stage for arm in self.arms for stage in COMPARISON_ARMS[arm].features]
        fits = [stage for arm in self.arms for stage in COMPARISON_ARMS[arm].fits]
        chosen = ["comparison_selection"] if self.units else []
        common = (*VISUAL, "ast", "captions", "selection")
        return _once(*common, *features, *self.predictions, *fits, *chosen)


def chosen_arms(config: Mapping[str, object]) -> ChosenArms:
    """The arms of a complete configuration: those of `comparison.arms`, or all of them.

    The main experiment's arms are always there, and with an arm the one whose classifier it uses.
    The CNN-RNN is left out where it was trained on validation clips and chosen on training clips.
    """
    wanted = config["comparison"].get("arms") or COMPARISON_ARMS
    needed = {COMPARISON_ARMS[arm].classifier_of for arm in wanted}
    arms = {*ALWAYS, *wanted, *needed}
    if config["cnn_rnn"]["split"] == SORTED_TAIL:
        arms.discard("cnn_rnn")
    ordered = tuple(arm for arm in COMPARISON_ARMS if arm in arms)
    return ChosenArms(ordered, filter_percentiles(config["filter"]))


def at_percentile(arm: str, percentile: float) -> str:
    """Name of the classifier whose filter rejects this percentage of clips."""
    return f"{arm}-{percentile:g}"


def base_of(unit: str) -> str:
    """The arm of a classifier's name: without real_or_ and without a percentile."""
    return unit.removeprefix(REAL_OR).partition("-")[0]


def _once(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
