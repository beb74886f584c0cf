"""Write the configuration's JSON schema and the table in config/README.md: `make schema`."""

from __future__ import annotations

from unmuted.config.document import document


def main() -> None:
    """Write the schema and the table."""
    document()


if __name__ == "__main__":
    main()
