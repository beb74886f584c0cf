"""What the documentation says of the configuration is what is declared."""

from __future__ import annotations

import re
from collections.abc import Callable
from inspect import Parameter, signature
from pathlib import Path

import pytest
import yaml

from unmuted.config.document import README, SCHEMA, schema_text, table, with_table
from unmuted.config.root import Configuration, inner_section
from unmuted.config.validation import check_config
from unmuted.features.captions import Captioner
from unmuted.features.vit import VitFeatures
from unmuted.media.probe import Limits
from unmuted.media.wav import read_wav


def test_schema_and_table_are_those_of_the_declaration(repository: Path) -> None:
    """Otherwise: `make schema`."""
    assert (repository / SCHEMA).read_text(encoding="utf-8") == schema_text()
    readme = (repository / README).read_text(encoding="utf-8")
    assert with_table(readme) == readme


def test_every_key_has_values_and_a_meaning() -> None:
    rows = [line.split(" | ") for line in table().splitlines()[2:]]
    assert len(rows) > 100
    assert all(cell.strip("| ") for row in rows for cell in row)
    assert "| `generator.dropout` | number ≥ 0 and < 1 | `0.2` | share of" in table()
    assert "| `missing.kinds` | list: `no_stream` or `silence`" in table()
    assert "| `seeds_per_job` | whole number ≥ 1 and ≤ 1,000,000 or null | `null` |" in table()


def test_a_readme_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the lines"):
        with_table("# Configuration")


def test_every_ready_configuration_is_valid(repository: Path) -> None:
    found = sorted((repository / "config").glob("*.yaml"))
    assert len(found) >= 3
    for path in found:
        check_config(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_defaults_of_the_schema_are_valid_themselves() -> None:
    config = check_config({"videos": {"source": "demo"}, "models": _models()})
    assert check_config(config) == config


def test_the_model_that_the_readme_converts_is_the_one_that_the_configuration_reads(
    repository: Path,
) -> None:
    command = r"fetch_model\.py (\S+)[ \\#\n]+([0-9a-f]{40}) (\S+)"
    published = (repository / "config" / "published.yaml").read_text(encoding="utf-8")
    readme = (repository / "README.md").read_text(encoding="utf-8")
    (made,) = re.findall(command, readme)
    assert re.findall(command, published) == [made]
    assert yaml.safe_load(published)["models"]["blip"] == {"path": made[2]}


@pytest.mark.parametrize(
    ("function", "section"),
    [
        (VitFeatures, "vit"),
        (Captioner, "captions"),
        (read_wav, "wav"),
        (Limits, "videos"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_default_of_the_library_is_that_of_the_configuration(
    function: Callable[..., object], section: str
) -> None:
    known = signature(function).parameters.items()
    given = {name: p.default for name, p in known if p.default is not Parameter.empty}
    rules = inner_section(Configuration, section).model_fields
    if "max_pixels" in given:
        given["max_megapixels"] = given["max_pixels"] / 1e6
    shared = given.keys() & rules.keys()
    assert shared
    assert {name: given[name] for name in shared} == {n: rules[n].default for n in shared}


def _models() -> dict[str, dict[str, str]]:
    return {role: {"path": f"models/{role}"} for role in ("vit", "ast", "blip")}
