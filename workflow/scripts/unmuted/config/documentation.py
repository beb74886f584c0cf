"""The table of configuration keys in config/README.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from unmuted.config.validation import schema

README = Path(__file__).resolve().parents[4] / "config" / "README.md"
START, END = "<!-- keys: made by document_config.py -->\n", "<!-- end of keys -->\n"


def document(readme: Path = README) -> None:
    """Replace the text between the two marks by the table."""
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{START}{table()}{END}{after}", encoding="utf-8")


def table() -> str:
    """Every key with its default and its meaning, as Markdown."""
    rules = schema("config")
    lines = ["| key | default | meaning |", "|---|---|---|"]
    lines += [f"| `{key}` | {default} | {text} |" for key, default, text in _rows(rules, rules, "")]
    return "\n".join(lines) + "\n"


def _rows(
    rules: Mapping[str, object], root: Mapping[str, object], prefix: str
) -> Iterator[tuple[str, str, str]]:
    """Key, default and description of every leaf below `rules`; models are explained once."""
    for key, rule in rules["properties"].items():
        name = f"{prefix}{key}"
        if "$ref" in rule:
            yield name, _default(rule), root["$defs"]["model"]["description"]
            if key == "vit":
                yield from _rows(root["$defs"]["model"], root, f"{prefix}<model>.")
        elif "properties" in rule:
            yield from _rows(rule, root, f"{name}.")
        else:
            choices = f" (one of {', '.join(rule['enum'])})" if "enum" in rule else ""
            yield name, _default(rule), rule.get("description", "").replace("|", "\\|") + choices


def _default(rule: Mapping[str, object]) -> str:
    return f"`{rule['default']}`" if "default" in rule else "none"
