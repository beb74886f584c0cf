"""The one exception meant for the person at the keyboard."""

from __future__ import annotations


class UserError(Exception):
    """Something the user can mend: the message names the file, what was expected and what to do."""
