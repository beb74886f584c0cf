"""The configuration: checked against its declaration, and completed with the defaults."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from unmuted.config.fields import LONGEST_TEXT, Section
from unmuted.config.root import Configuration, inner_section
from unmuted.errors import UserError
from unmuted.text import one_line

Config = Mapping[str, Any]
Location = tuple[int | str, ...]

UNKNOWN_KEY = {"extra_forbidden", "invalid_key"}
EXPECTED = {  # by the type of pydantic's error; `ctx` fills the braces
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "more than {gt:,.15g}",
    "greater_than_equal": "at least {ge:,.15g}",
    "has_nul": "text without the character NUL",
    "int_type": "a whole number",
    "less_than": "less than {lt:,.15g}",
    "less_than_equal": "at most {le:,.15g}",
    "list_type": "a list",
    "literal_error": "{expected}",
    "model_type": "a mapping",
    "not_distinct": "no value twice",
    "string_too_long": "a text of at most {max_length} characters",
    "string_too_short": "some text",
    "string_type": "text",
    "too_long": "a length of at most {max_length}",
    "too_short": "a length of at least {min_length}",
    "tuple_type": "a list",
}
# A configuration has some 200 values. Aliases of YAML can make one of more than a memory holds.
MOST_VALUES = 20_000
DEEPEST = 20
LONGEST_NUMBER = 128  # bits
LISTED = 20  # problems
FOUND = 200  # characters of what was found
PLAIN = (str, int, float, type(None))  # True and False are ints


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
    problems = list(_too_large(given))
    if not problems:
        try:
            config = Configuration.model_validate(dict(given)).model_dump()
        except ValidationError as error:
            problems = list(_explain(error.errors(include_url=False)))
        else:
            problems = list(_not_json(config)) or list(further(config))
    if problems:
        raise UserError(
            f"the configuration is not valid:\n{_listing(problems)}\n"
            "Every key is explained in config/README.md and workflow/schemas/config.schema.json."
        )
    return config


def _listing(problems: Sequence[str]) -> str:
    lines = [f"  - {problem}" for problem in problems[:LISTED]]
    if len(problems) > LISTED:
        lines.append(f"  - and {len(problems) - LISTED} more")
    return "\n".join(lines)


def _too_large(given: object) -> Iterator[str]:
    """Yield what no configuration needs; the time that it takes is bounded, whatever is given."""
    waiting: list[tuple[Location, object]] = [((), given)]
    seen = 0
    while waiting:
        place, value = waiting.pop()
        seen += 1
        if seen > MOST_VALUES:
            yield f"top level: found more than {MOST_VALUES:,} values, expected fewer"
            return
        if len(place) > DEEPEST:
            yield f"{_dotted(place[:3])}: nested more than {DEEPEST} levels deep, or within itself"
            return
        if isinstance(value, Mapping):
            pairs = islice(value.items(), MOST_VALUES)
            waiting += [((*place, _key(key)), inner) for key, inner in pairs]
        elif isinstance(value, list | tuple):
            waiting += [((*place, index), inner) for index, inner in enumerate(value[:MOST_VALUES])]
        elif isinstance(value, str) and len(value) > LONGEST_TEXT:
            long = f"{len(value):,} characters, expected at most {LONGEST_TEXT:,}"
            yield f"{_dotted(place)}: found {long}"
        elif isinstance(value, int) and value.bit_length() > LONGEST_NUMBER:
            yield f"{_dotted(place)}: found a number of {value.bit_length():,} bits"


def _not_json(value: object, where: str = "top level") -> Iterator[str]:
    """Yield what JSON cannot hold among values without a type, as in `ablations`."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in pairs:
            place = str(key) if where == "top level" else f"{where}.{key}"
            if isinstance(value, dict) and not isinstance(key, str):
                yield f"{where}: found the key {_found(key)}, expected text"
            yield from _not_json(inner, place)
    elif not isinstance(value, PLAIN):
        yield f"{where}: found {_found(value)}, expected text, a number, true, false or null"
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{where}: not a finite number"


def _key(key: object) -> str:
    return one_line(str(key), 60)


def _found(value: object) -> str:
    """Return a value as messages quote it: one line, cut where it is long."""
    return one_line(repr(value), FOUND)


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
        named = one_line(", ".join(sorted(map(_key, keys))), FOUND)
        yield f"{_dotted(place)}: unknown key {named}; known keys are {known}"
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
    return f"{_dotted(place)}: found {_found(first['input'])}, expected {expected}"


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
    return ".".join(map(_key, place)) or "top level"
