"""`hpo suggest-space`: the next space, by what a study has found."""

from ..commands.suggest_space.options import SuggestOptions
from .common import JsonOption, command, print_json, say, tell


@command
def suggest_space(options: SuggestOptions, json: JsonOption = False) -> None:
    """Suggest the space to search next, as a space file that says why.

    Ranges are moved to where the best trials are, and what never mattered is fixed.
    """
    from ..commands.suggest_space.suggest_space import suggest_space as suggest

    suggested = suggest(options)
    if json:
        print_json(suggested.to_json())
        return
    if suggested.path is None:
        print(suggested.text, end="")
    else:
        for change in suggested.changes:
            tell(f"{change.key} {change.words}")
    say(f"search it with: {suggested.command}")
