"""The section of the CNN-RNN in the report in the browser."""

from __future__ import annotations

from unmuted.site.material import Material
from unmuted.site.measured import measured_section
from unmuted.site.sections import Section

TITLE = "CNN-RNN recogniser"
QUESTION = "Does the network recognise more than always saying the most frequent class?"


def section(material: Material) -> Section:
    """Return what the report says, in figures, tables and words."""
    return measured_section(material.report, TITLE, QUESTION, material.confusion)
