"""Write the table of keys in config/README.md from the schema: `python .../document_config.py`."""

from __future__ import annotations

from unmuted.config.documentation import document


def main() -> None:
    """Replace the table."""
    document()


if __name__ == "__main__":
    main()
