"""What the documentation says of the configuration is what the schema says."""

from __future__ import annotations

import re
from collections.abc import Callable
from inspect import Parameter, signature
from pathlib import Path

import pytest
import yaml

from unmuted.config.documentation import END, START, table
from unmuted.config.validation import check_config, schema
from unmuted.features.captions import Captioner
from unmuted.features.vit import VitFeatures
from unmuted.media.probe import Limits
from unmuted.media.wav import read_wav
from unmuted.systems.classifier.training import ClassifierSettings
from unmuted.systems.pilot.training import PilotSettings
from unmuted.systems.shared.training import GeneratorSettings


def test_config_readme_lists_every_key_as_the_schema_has_it(repository: Path) -> None:
    text = (repository / "config" / "README.md").read_text(encoding="utf-8")
    assert text.partition(START)[2].partition(END)[0] == table()
    assert all(not line.endswith("|  |") for line in table().splitlines()), "a key without meaning"


def test_every_ready_configuration_is_valid(repository: Path) -> None:
    found = sorted((repository / "config").glob("*.yaml"))
    assert len(found) >= 3
    for path in found:
        check_config(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_defaults_of_the_schema_are_valid_themselves() -> None:
    config = check_config({"videos": {"source": "demo"}, "models": _models()})
    assert check_config(config) == config
    assert config["seeds"] == schema("config")["properties"]["seeds"]["default"]


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
        (GeneratorSettings, "generator"),
        (ClassifierSettings, "classifier"),
        (PilotSettings, "pilot"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_default_of_the_library_is_that_of_the_configuration(
    function: Callable[..., object], section: str
) -> None:
    known = signature(function).parameters.items()
    given = {name: p.default for name, p in known if p.default is not Parameter.empty}
    rules = schema("config")["properties"][section]["properties"]
    if "max_pixels" in given:
        given["max_megapixels"] = given["max_pixels"] / 1e6
    shared = given.keys() & rules.keys()
    assert shared
    assert {name: given[name] for name in shared} == {n: rules[n]["default"] for n in shared}


def _models() -> dict[str, dict[str, str]]:
    return {role: {"path": f"models/{role}"} for role in ("vit", "ast", "blip")}
