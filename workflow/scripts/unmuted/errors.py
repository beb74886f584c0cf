"""The exceptions meant for the person at the keyboard."""

from __future__ import annotations


class UserError(Exception):
    """Something the user can mend: the message names the file, what was expected and what to do."""


class MachineError(UserError):
    """Something that happened to the machine and says nothing about the data.

    The job fails in one line, nothing is recorded of the data, and the job may be tried again.
    """
