"""`hpo models`: the models there are, their sizes and costs."""

from typing import TYPE_CHECKING

from ...common.display import visible
from ...common.installation import install_command
from ..commands.models.options import ModelsOptions
from .common import JsonOption, command, print_json, say

if TYPE_CHECKING:
    from ...training.models.catalogue import ModelFacts

_NAME, _NUMBER = 44, 10  # widths of columns


@command
def models(options: ModelsOptions, json: JsonOption = False) -> None:
    """List models with parameters, FLOPs of one forward pass, and published weights.

    Nothing is downloaded, and no model is kept in memory.
    """
    from ...training.models.catalogue import facts_of, find_models, library_sizes
    from ..resolve.trust import name_models

    matches = find_models(options.name_filter)
    name_models(matches.values(), say)
    size, channels, classes = options.image_size, options.channels, options.classes
    facts = facts_of(matches, num_classes=classes, in_channels=channels, image_size=size)
    if json:
        shape = {"image_size": size, "channels": channels, "classes": classes}
        print_json({**shape, "models": [entry.to_json() for entry in facts], "libraries": library_sizes()})
        return
    print(f"{'model':<{_NAME}}{'parameters':>{_NUMBER}}{'FLOPs':>{_NUMBER}}  weights")
    for entry in facts:
        print(visible(_line(entry)), flush=True)  # each as soon as it is measured
    if options.name_filter is None:
        for library, count in library_sizes().items():
            if count:  # 0: the library is not installed
                say(f"and {count:,} of {library}: hpo models '{library}/*NAME*'")
            else:
                say(f"and any of {library}: {install_command(library)}")


def _line(entry: "ModelFacts") -> str:
    numbers = f"{_short(entry.parameters):>{_NUMBER}}{_short(entry.flops):>{_NUMBER}}"
    return f"{entry.name:<{_NAME}}{numbers}  {entry.note or ', '.join(entry.weights)}".rstrip()


def _short(number: int | None) -> str:
    """25557032 as 25.6 M."""
    if number is None:
        return "-"
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return str(number)
