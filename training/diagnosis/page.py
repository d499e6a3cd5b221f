"""The page of `hpo diagnose --html`."""

from collections.abc import Callable, Sequence

from markupsafe import Markup

from ...common.page import render
from ..fonts import missing_note
from ..setting import Setting
from .diagnosis import Diagnosis
from .figures import svg, texts_of
from .finding import Checked
from .registry import CHECKS


def font_note(checked: Checked) -> str:
    """Return a note on names in charts that no font can show."""
    return missing_note(text for chart in checked.charts for text in texts_of(chart))


def plain_flags(settings: Sequence[Setting]) -> str:
    """Return settings for a shell, with the keys of the configuration."""
    return " ".join(setting.flag for setting in settings)


def page(
    diagnosis: Diagnosis,
    flags: Callable[[Sequence[Setting]], str] = plain_flags,
    command: str = "",
    dimension: str = "",
    yaml: str = "",
) -> str:
    """Return the diagnosis as HTML; names from data and models are escaped.

    `flags` writes settings for a shell, `command` tries those of the conclusion; `dimension` are the learning rates to
    search, for a shell, and `yaml` the same for the space file, where there is one.
    """
    checks = [
        {
            "name": name,
            "title": CHECKS.find(name).title,
            "checked": checked,
            "charts": [Markup(svg(chart)) for chart in checked.charts],  # matplotlib escapes the texts in it
            "fonts": font_note(checked),
        }
        for name, checked in diagnosis.checked.items()
    ]
    return render(
        "training/diagnosis/page.html",
        diagnosis=diagnosis,
        checks=checks,
        flags=flags,
        command=command,
        dimension=dimension,
        yaml=yaml,
    )
