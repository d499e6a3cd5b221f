"""Dimensions at whose ends the best values lie."""

from .....common.sections import Items, Section
from ..material import Material
from .registry import register_section


@register_section("edges", place=33)
def edges(material: Material) -> Section | None:
    """A sentence for each; None where there is none."""
    sentences = [f"{edge.words}." for edge in material.summary.edges()]
    return Section("Ranges that may be too narrow", [Items(sentences)]) if sentences else None
