"""The section of the pilot in the report in the browser."""

from __future__ import annotations

from unmuted.site.material import Material
from unmuted.site.measured import measured_section
from unmuted.site.sections import Section

TITLE = "Pilot: class and sound together"
QUESTION = "Does a network recognise actions better where it also learns to generate the sound?"


def section(material: Material) -> Section:
    """Return what the report says, in figures, tables and words."""
    return measured_section(material.report, TITLE, QUESTION, material.confusion)
