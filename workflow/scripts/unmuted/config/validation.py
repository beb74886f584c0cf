"""The configuration: checked against its schema, completed with the schema's defaults."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import jsonschema
import yaml

from unmuted.errors import UserError

Config = Mapping[str, object]

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"


@cache
def schema(name: str) -> Mapping[str, object]:
    """A schema of `workflow/schemas`, such as "config"."""
    return yaml.safe_load((SCHEMAS / f"{name}.schema.yaml").read_text(encoding="utf-8"))


def check_config(
    given: Mapping[str, object], further: Callable[[Config], Iterable[str]] = lambda config: ()
) -> dict[str, object]:
    """Return the configuration with all defaults filled in.

    further: finds what else is wrong with a complete configuration, in words.

    Raises:
        UserError: the configuration is not valid; lists everything that is wrong.
    """
    config = copy.deepcopy(dict(given))
    rules = schema("config")
    problems = [_explain(error) for error in _errors(config, rules)]
    problems += [f"{where}: not a finite number" for where in _not_finite(config)]
    if not problems:
        _fill(config, rules, rules)
        problems = [*_contradictions(config), *further(config)]
    if problems:
        listing = "\n".join(f"  - {problem}" for problem in problems)
        raise UserError(
            f"the configuration is not valid:\n{listing}\n"
            "Every key is explained in config/README.md and workflow/schemas/config.schema.yaml."
        )
    return config


def setting(config: Mapping[str, object], dotted: str) -> object:
    """Value of a key such as "frames.short_side"; None where it is not given and has no default."""
    value: object = config
    for key in dotted.split("."):
        if key not in value and _is_known(dotted):
            return None
        value = value[key]
    return value


def _is_known(dotted: str) -> bool:
    """Whether the schema has this key."""
    rules: Mapping[str, object] = schema("config")
    for key in dotted.split("."):
        rules = rules.get("properties", {}).get(key)
        if rules is None:
            return False
    return True


def _not_finite(value: object, where: str = "") -> Iterator[str]:
    """Keys of infinities and NaNs, which YAML can write and which pass every minimum."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _not_finite(inner, f"{where}.{key}" if where else str(key))
    elif isinstance(value, float) and not math.isfinite(value):
        yield where


def _errors(config: object, rules: Mapping[str, object]) -> list[jsonschema.ValidationError]:
    validator = jsonschema.Draft202012Validator(rules)
    return sorted(validator.iter_errors(config), key=lambda error: list(map(str, error.path)))


def _explain(error: jsonschema.ValidationError) -> str:
    where = ".".join(map(str, error.absolute_path)) or "top level"
    if error.validator == "additionalProperties":
        known = sorted(error.schema["properties"])
        unknown = sorted(map(str, set(error.instance) - set(known)))
        return f"{where}: unknown key {', '.join(unknown)}; known keys are {', '.join(known)}"
    if error.validator == "oneOf":
        return f"{where}: give either `id` and `revision`, or `path`; found {error.instance!r}"
    if error.validator == "pattern":  # of which jsonschema shows the regular expression
        return f"{where}: found {error.instance!r}, expected {error.schema['description']}"
    return f"{where}: {error.message}"


def _fill(
    value: dict[str, object], rules: Mapping[str, object], root: Mapping[str, object]
) -> None:
    """Add the defaults of `rules` to `value`, in place, at every depth."""
    if "$ref" in rules:
        rules = root["$defs"][rules["$ref"].rpartition("/")[2]]
    for key, rule in rules.get("properties", {}).items():
        if key not in value and "default" in rule:
            value[key] = copy.deepcopy(rule["default"])
        if isinstance(value.get(key), dict):
            _fill(value[key], rule, root)


def _contradictions(config: Mapping[str, object]) -> Iterator[str]:
    """What the schema language cannot say."""
    videos = config["videos"]
    source = videos["source"]
    if source != "demo" and source not in videos:
        yield f"videos: source {source!r} needs the key videos.{source}"
    if config["splits"]["train"] + config["splits"]["val"] >= 1:
        yield "splits: train and val leave nothing for the test split (their sum must be below 1)"
    for section in ("classifier", "pilot"):
        snapshots, epochs = config[section]["snapshots"], config[section]["epochs"]
        if snapshots > epochs:
            yield f"{section}: {snapshots} snapshots of {epochs} epochs; at most one an epoch"
    lambdas = config["pilot"]["lambdas"]
    if len({f"{weight:g}" for weight in lambdas}) < len(lambdas):  # fits are named by them
        yield f"pilot: of lambdas {lambdas} two agree in their first six digits; keep one of them"
    for role, model in config["models"].items():
        hub_id = model.get("id", "")
        pinned = hub_id.startswith(("package:", "torchvision:")) or "revision" in model
        if hub_id and not pinned:
            yield (
                f"models.{role}: {hub_id} needs a pinned `revision` (a commit), "
                "so that the same name always means the same weights"
            )
