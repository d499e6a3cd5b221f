"""The view of what decided a search: its dimensions, how much each decided, and where the best trials have it."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from ...studies.records.effects import Effect
from ..progress.best_have import best_have
from ..progress.format import between
from .tables import FirstThatFits, line, unfolded

_COLUMNS = ("what decided", "share", "95 %", "trials", "the best have")
_NARROW = ("what decided", "share", "the best have")  # for 60 characters


def effect_parts(effects: Sequence[Effect]) -> Iterator[RenderableType]:
    """Yield a table of the dimensions that decided something, and a line on those that never did.

    Nothing is yielded where nothing is certain.
    """
    if deciding := [effect for effect in effects if effect.mattered]:
        yield FirstThatFits(_table(deciding, _COLUMNS), _table(deciding, _NARROW))
    if idle := [effect.key for effect in effects if effect.never_mattered]:
        yield line(f"never mattered: {', '.join(idle)}")


def _table(effects: Sequence[Effect], columns: Sequence[str]) -> RenderableType:
    view = unfolded(*columns)
    for effect in effects:
        cells = {
            "what decided": effect.key,
            "share": f"{effect.importance:.2f}",
            "95 %": between((effect.low, effect.high), 2),
            "trials": str(effect.trials),
            "the best have": best_have(effect),
        }
        view.add_row(*(cells[column] for column in columns))
    return view
