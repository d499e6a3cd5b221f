"""A setting that advice suggests: a key and its value.

No torch.
"""

import json
import re
import shlex
from dataclasses import dataclass

Value = bool | int | float | str | None

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")  # may stand without quotes in --set


@dataclass(frozen=True, slots=True)
class Setting:
    """A value for one key of the configuration, such as `optimizer.lr`.

    `value` is for a single training; `low` to `high`, on a log scale, is where a search should look, None where a
    search has nothing to choose from.
    """

    key: str
    value: Value
    low: float | None = None
    high: float | None = None

    @property
    def flag(self) -> str:
        """The command-line option for this setting, quoted for a shell.

        >>> Setting("loss.class_weights", "inverse").flag
        '--set loss.class_weights=inverse'
        """
        plain = isinstance(self.value, str) and _PLAIN.match(self.value)
        return f"--set {shlex.quote(f'{self.key}={self.value if plain else json.dumps(self.value)}')}"
