"""The settings that a job may read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from unmuted.engine.job import Settings, UndeclaredRead
from unmuted.engine.settings import setting

pytestmark = pytest.mark.unit


CONFIG = {"a": 1, "b": {"c": {"d": 2, "e": 3}, "f": 4}, "vit": {"batch_size": 8}}


def declared(*keys: str) -> Settings:
    return Settings(CONFIG, keys, "stage s")


def test_declared_settings_are_read_at_any_depth() -> None:
    found = declared("a", "b.c.d", "b.f")
    assert (found["a"], found["b"]["c"]["d"], found["b"]["f"]) == (1, 2, 4)
    assert list(found) == ["a", "b"] and dict(found["b"]["c"]) == {"d": 2}
    assert declared("b.c.d", "b")["b"] == CONFIG["b"]


@pytest.mark.parametrize(
    ("read", "key"),
    [
        (lambda found: found["vit"], "vit"),
        (lambda found: found["b"]["f"], "b.f"),
        (lambda found: found["b"]["c"]["e"], "b.c.e"),
        (lambda found: found["b"]["c"].get("e"), "b.c.e"),
        (lambda found: "e" in found["b"]["c"], "b.c.e"),
        (lambda found: setting(found, "vit.batch_size"), "vit"),  # a key that has no default
    ],
)
def test_any_other_key_is_refused(read: Callable[[Settings], object], key: str) -> None:
    with pytest.raises(UndeclaredRead, match=f"^stage s reads the setting {key} undeclared"):
        read(declared("a", "b.c.d"))


def test_a_declared_key_that_is_not_given_is_an_ordinary_key_error() -> None:
    found = declared("b.x", "y")
    for place, key in ((found, "y"), (found["b"], "x")):
        assert key not in place and place.get(key) is None
        with pytest.raises(KeyError):
            place[key]
