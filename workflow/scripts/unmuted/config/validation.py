"""The configuration: checked against its declaration, and completed with the defaults."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from unmuted.config.fields import Section
from unmuted.config.root import Configuration, inner_section
from unmuted.errors import UserError

Config = Mapping[str, Any]
Location = tuple[int | str, ...]

UNKNOWN_KEY = {"extra_forbidden", "invalid_key"}
EXPECTED = {  # by the type of pydantic's error; `ctx` fills the braces
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "int_type": "a whole number",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "list_type": "a list",
    "literal_error": "{expected}",
    "model_type": "a mapping",
    "not_distinct": "no value twice",
    "string_too_short": "some text",
    "string_type": "text",
    "too_short": "a length of at least {min_length}",
    "tuple_type": "a list",
}


def check_config(
    given: Mapping[str, Any], further: Callable[[Config], Iterable[str]] = lambda config: ()
) -> dict[str, Any]:
    """Return the configuration with all defaults filled in, as plain values of YAML.

    A number stays an int or a float, as it was given. A key without default that is not given is
    not there.

    Args:
        given: the configuration as it was read.
        further: finds what else is wrong with a complete configuration, in words.

    Raises:
        UserError: the configuration is not valid; lists everything that is wrong.
    """
    config: dict[str, Any] = {}
    try:
        config = Configuration.model_validate(dict(given)).model_dump()
    except ValidationError as error:
        problems = list(_explain(error.errors(include_url=False)))
    else:
        problems = [f"{where}: not a finite number" for where in _not_finite(config)]
        problems = problems or list(further(config))
    if problems:
        listing = "\n".join(f"  - {problem}" for problem in problems)
        raise UserError(
            f"the configuration is not valid:\n{listing}\n"
            "Every key is explained in config/README.md and workflow/schemas/config.schema.json."
        )
    return config


def _not_finite(value: object, where: str = "") -> Iterator[str]:
    """Yield the keys of infinities and NaNs among values without a type, as in `ablations`."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in pairs:
            yield from _not_finite(inner, f"{where}.{key}" if where else str(key))
    elif isinstance(value, float) and not math.isfinite(value):
        yield where


def _explain(errors: Iterable[ErrorDetails]) -> Iterator[str]:
    """Yield a sentence for each place with a mistake: where, what was found, what was expected."""
    unknown: dict[Location, list[str]] = {}
    mistakes_at: dict[Location, list[ErrorDetails]] = {}
    for error in errors:
        if error["type"] in UNKNOWN_KEY:
            unknown.setdefault(error["loc"][:-1], []).append(str(error["loc"][-1]))
        elif not _is_long_enough(error):
            mistakes_at.setdefault(_without_alternatives(error["loc"]), []).append(error)
    for place, keys in unknown.items():
        known = ", ".join(sorted(_section_at(place).model_fields))
        yield f"{_dotted(place)}: unknown key {', '.join(sorted(keys))}; known keys are {known}"
    for place, mistakes in mistakes_at.items():
        yield _sentence(place, mistakes)


def _is_long_enough(error: ErrorDetails) -> bool:
    """Return whether a list only seems too short, because pydantic counts its valid items."""
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def _sentence(place: Location, mistakes: list[ErrorDetails]) -> str:
    """Return what is wrong in one place; each mistake belongs to one possible type of the value."""
    first = mistakes[0]
    if first["type"] == "missing":
        return f"{_dotted(place[:-1])}: the key {place[-1]} is missing"
    if first["type"] == "value_error":  # of a validator of ours
        return f"{_dotted(place)}: {first['ctx']['error']}"
    expected = " or ".join(_expected(place, mistake) for mistake in mistakes)
    return f"{_dotted(place)}: found {first['input']!r}, expected {expected}"


def _expected(place: Location, mistake: ErrorDetails) -> str:
    if mistake["type"] == "string_pattern_mismatch":  # nobody wants to read the pattern
        return str(_section_at(place[:-1]).model_fields[str(place[-1])].description)
    text = EXPECTED.get(mistake["type"])
    return mistake["msg"] if text is None else text.format(**mistake.get("ctx", {}))


def _without_alternatives(place: Location) -> Location:
    """Return a place without the names that pydantic gives to the possible types of a value."""
    section: type[Section] = Configuration
    for depth, key in enumerate(place, 1):
        inner = inner_section(section, str(key))
        if inner is None:
            is_mapping = get_origin(section.model_fields[str(key)].annotation) is dict
            below = [
                key_below for key_below in place[depth:] if is_mapping or isinstance(key_below, int)
            ]
            return (*place[:depth], *below)
        section = inner
    return place


def _section_at(place: Location) -> type[Section]:
    """Return the section with this path of keys."""
    section: type[Section] = Configuration
    for key in place:
        section = inner_section(section, str(key)) or section
    return section


def _dotted(place: Location) -> str:
    return ".".join(map(str, place)) or "top level"
