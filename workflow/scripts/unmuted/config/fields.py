"""What all sections have in common: strict types, and values that stay as they are given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    MISSING,
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

Item = TypeVar("Item")


class Section(BaseModel):
    """A part of the configuration, which is also the settings object that code is handed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Take this class's fields from a section's values, which may have more of them.

        values: with all defaults, as in a job's `config`; a field that the job's stage does not
        declare is refused there. Raises pydantic.ValidationError for values that are not valid, and
        KeyError where one is absent that has a default.
        """
        given = {
            name: values[name]
            for name, field in cls.model_fields.items()
            if name in values or field.default is not MISSING
        }
        return cls(**given)

    def changed(self, **values: Any) -> Self:
        """Return a copy with some other values, checked as these were."""
        return type(self)(**{**dict(self), **values})


def _as_given(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    check(value)
    return value


def check_names(key: str, values: tuple[float, ...]) -> None:
    """Raise ValueError for numbers that would have one name, as the names of fits write them."""
    if len({f"{value:g}" for value in values}) < len(values):
        raise ValueError(
            f"of {key} {list(values)} two agree in their first six digits; keep one of them"
        )


def _distinct(values: tuple[Item, ...]) -> tuple[Item, ...]:
    if len(set(values)) < len(values):
        raise PydanticCustomError("not_distinct", "no value twice")
    return values


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("has_nul", "text without the character NUL")
    return text


def _number(**bounds: Any) -> Any:
    """Return the type of finite numbers; 6 stays an int: fingerprints tell it from 6.0."""
    return Annotated[float, Field(allow_inf_nan=False, **bounds), WrapValidator(_as_given)]


# Nothing sensible is larger than these; a slip of the keyboard is refused before it fills a memory.
LARGEST = 1e9
MOST = 1_000_000  # of anything that is counted
MOST_UNITS = 16_384  # of a layer
MOST_EPOCHS = 100_000
MOST_STEPS = 10_000  # of the time of a clip
MOST_TRAINING_STEPS = 10_000_000
MOST_IN_A_BATCH = 65_536
MOST_VALUES = 1_000  # of a list
MOST_PIXELS = 4_320  # of the side of a picture
LARGEST_SEED = 2**32 - 1  # what every random number generator takes
LONGEST_TEXT = 4_096

Number = _number(ge=-LARGEST, le=LARGEST)
Positive = _number(gt=0, le=LARGEST)
NotNegative = _number(ge=0, le=LARGEST)
Share = _number(ge=0, le=1)
ShareBelowOne = _number(ge=0, lt=1)
ProperShare = _number(gt=0, lt=1)
Cosine = _number(ge=-1, le=1)
Decibels = _number(ge=-60, le=60)
FramesASecond = _number(gt=0, le=60)
StepsASecond = _number(gt=0, le=1_000)
Megapixels = _number(gt=0, le=10_000)
Gigabytes = _number(gt=0, le=1_000_000)
UpToAMinute = _number(ge=0, le=60)
UpToADay = _number(gt=0, le=86_400)
Percentile = _number(ge=0, le=99)
Count = Annotated[int, Field(ge=1, le=MOST)]
LayerUnits = Annotated[int, Field(ge=1, le=MOST_UNITS)]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
Line = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(_without_nul)]
Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT), AfterValidator(_without_nul)]
# Several: layers of a network.
# Lists in YAML and in the dumped configuration, and tuples in the settings object.
Several = Annotated[
    tuple[Item, ...],
    Field(strict=False, min_length=1, max_length=16),
    PlainSerializer(list),
]
_UNIQUE: JsonDict = {"uniqueItems": True}
Distinct = Annotated[
    tuple[Item, ...],
    Field(strict=False, min_length=1, max_length=MOST_VALUES, json_schema_extra=_UNIQUE),
    AfterValidator(_distinct),
    PlainSerializer(list),
]
Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
DistinctOrNone = Annotated[
    tuple[Item, ...],
    Field(strict=False, max_length=MOST_VALUES, json_schema_extra=_UNIQUE),
    AfterValidator(_distinct),
    PlainSerializer(list),
]
TwoOrMore = Annotated[
    tuple[Item, ...],
    Field(strict=False, min_length=2, max_length=MOST_VALUES, json_schema_extra=_UNIQUE),
    AfterValidator(_distinct),
    PlainSerializer(list),
]
AutoBatchSize = Annotated[int, Field(ge=1, le=MOST_IN_A_BATCH)] | Literal["auto"]
