"""The JSON schema of the configuration and the table of its keys, made from the declaration."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from unmuted.checkout import ROOT
from unmuted.config.models import ModelSettings
from unmuted.config.root import Configuration

Rule = Mapping[str, Any]

SCHEMA = Path("workflow", "schemas", "config.schema.json")
README = Path("config", "README.md")
START, END = "<!-- keys: made by `make schema` -->\n", "<!-- end of keys -->\n"
TYPES = {"integer": "whole number", "boolean": "true or false", "string": "text"}
BOUNDS = {  # keywords of JSON schema
    "minimum": "≥",
    "exclusiveMinimum": ">",
    "maximum": "≤",
    "exclusiveMaximum": "<",
}


def document(root: Path = ROOT) -> None:
    """Write the schema, and replace what stands between the two marks of the README."""
    (root / SCHEMA).write_text(schema_text(), encoding="utf-8")
    readme = root / README
    readme.write_text(with_table(readme.read_text(encoding="utf-8")), encoding="utf-8")


def with_table(text: str) -> str:
    """Return the README's text with the present table. Raises ValueError without the marks."""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"{README} lacks the lines {START.strip()} and {END.strip()}")
    return f"{before}{START}{table()}{END}{after}"


class _Untitled(GenerateJsonSchema):
    """Without titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def json_schema() -> dict[str, Any]:
    """Return the JSON schema, for editors and for validators of other languages."""
    rules = Configuration.model_json_schema(schema_generator=_Untitled)
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        **rules,
        "title": "Configuration of unmuted",
    }


def schema_text() -> str:
    """Return the JSON schema as the text of a file."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def table() -> str:
    """Return every key with its values, its default and its meaning, as Markdown."""
    rules = json_schema()
    lines = ["| key | values | default | meaning |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in _rows(rules, rules["$defs"])]
    return "\n".join(lines) + "\n"


def _rows(rules: Rule, sections: Rule, prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Yield the four cells of every leaf below `rules`; the keys of a model are listed once."""
    for key, rule in rules["properties"].items():
        name = f"{prefix}{key}"
        section = rule.get("$ref", "").removeprefix("#/$defs/")
        if section == ModelSettings.__name__:
            inner = sections[section]
            yield f"`{name}`", "model", _default(rule), inner["description"]
            if key == next(iter(rules["properties"])):
                yield from _rows(inner, sections, f"{prefix}<model>.")
        elif section:
            yield from _rows(sections[section], sections, f"{name}.")
        else:
            meaning = rule["description"].replace("|", "\\|")
            yield f"`{name}`", _values(rule), _default(rule), meaning


def _values(rule: Rule) -> str:
    """Return in words what a value may be."""
    if "enum" in rule or "const" in rule:
        return " or ".join(f"`{value}`" for value in rule.get("enum", [rule.get("const")]))
    if "anyOf" in rule:
        return " or ".join(_values(choice) for choice in rule["anyOf"])
    if rule["type"] == "array":
        count = f" of {rule['minItems']} or more" if rule.get("minItems", 0) > 1 else ""
        return f"list{count}: {_values(rule['items'])}"
    kind: str = rule["type"]
    name = "mapping" if kind == "object" else TYPES.get(kind, kind)
    bounds = [f"{words} {rule[bound]:,.15g}" for bound, words in BOUNDS.items() if bound in rule]
    return " ".join([name, " and ".join(bounds)]).strip()


def _default(rule: Rule) -> str:
    return f"`{json.dumps(rule['default'])}`" if "default" in rule else "none"
