"""Settings to try, in the terms of the space at hand.

Each can be pasted: it has the keys, branches and dimensions of that space.
"""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from typing import Any, Self

from ....spaces.dump import dump_values, flow
from ....spaces.find import Source
from ....spaces.load import load_source
from ....spaces.node import Location
from ....spaces.parameter import Choice, Condition, Float, Int, Parameter, Scalar, is_number
from ....spaces.space import Fixed, SearchSpace, holds, path
from ....training.config import TrialConfig
from ....training.setting import Setting


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one setting, as the space at hand takes it.

    `key` is the setting's key in that space, `value` a value, or a dimension as a mapping. `condition` are the branches
    that it stands in. `first` is what has to be said before it where the space has no such section yet: its variant,
    such as `{"optimizer.name": "sgd"}`.
    """

    key: str
    value: Any
    condition: Condition = ()
    first: Mapping[str, str] = field(default_factory=dict)

    @property
    def overrides(self) -> tuple[str, ...]:
        """The arguments of `--set`: `optimizer.sgd.lr={low: 0.01, high: 0.5, log: true}`."""
        return tuple(f"{key}={flow(value)}" for key, value in {**self.first, self.key: self.value}.items())

    @property
    def flags(self) -> str:
        """The overrides as `--set` flags, quoted for a shell."""
        return " ".join(f"--set {shlex.quote(text)}" for text in self.overrides)

    @property
    def lines(self) -> str:
        """The change as lines of the space file, outermost section first."""
        return dump_values({**self.first, self.key: self.value}, self.condition)

    def to_json(self) -> dict[str, Any]:
        """The change as JSON: key, value and `--set` arguments."""
        return {"key": self.key, "value": self.value, "set": list(self.overrides)}


@dataclass(frozen=True, slots=True)
class Target:
    """The target of advice: a space and the values chosen from it.

    `params` are the values of the space's dimensions, which make `config`. `train` and `diagnose` are the command lines
    for it, `in_file` tells that the space is what a file says, without changes. A saved configuration is a space
    without dimensions.
    """

    space: SearchSpace
    params: Mapping[str, Scalar]
    config: TrialConfig
    train: str
    diagnose: str
    in_file: bool = False  # `lines` fit the space file only where it was taken as it is

    @classmethod
    def saved(cls, config: TrialConfig, train: str, diagnose: str) -> Self:
        """The target of a saved configuration."""
        source = Source("saved", config.model_dump_json(), Location("saved", Path.cwd()))
        return cls(load_source(source, TrialConfig), {}, config, train, diagnose)

    @classmethod
    def training(cls, folder: Path, config: TrialConfig) -> Self:
        """The target of a training's folder; its configuration is a space, too."""
        from ....training.checkpoints.training_folder import CONFIG

        train = f"hpo train --space {shlex.quote(str(folder / CONFIG))}"
        return cls.saved(config, train, f"hpo diagnose {shlex.quote(str(folder))}")

    @classmethod
    def trial(cls, study: str, number: int, config: TrialConfig, flags: str = "") -> Self:
        """The target of a study's trial.

        `flags` say where the study is kept, if not in the usual place.
        """
        name = f"--trial {shlex.quote(f'{study}/{number}')}{flags}"
        return cls.saved(config, f"hpo train {name}", f"hpo diagnose {name}")

    def change(self, setting: Setting) -> Change:
        """The change that puts `setting` in the place of the space's entry.

        A range takes the place of a range and choices that of choices; else it is one value.
        """
        entry = self._entry(setting.key)
        if setting.low is None or setting.high is None or not isinstance(entry, Float | Int | Choice):
            return self._at(setting.key, entry, setting.value)
        if isinstance(entry, Choice):
            return self._at(setting.key, entry, {"choices": _choices(entry, setting)})
        return self._at(setting.key, entry, _range(setting, entry))

    def dimension(self, setting: Setting) -> Change:
        """The change that searches the range of `setting`.

        Whatever the space has for it now is replaced.
        """
        return self._at(setting.key, self._entry(setting.key), _range(setting, None))

    def command(self, settings: tuple[Setting, ...]) -> str:
        """The command that trains once with `settings`; empty without any."""
        return " ".join((self.train, *(self.change(setting).flags for setting in settings))) if settings else ""

    def commands(self, settings: tuple[Setting, ...]) -> list[str]:
        """The commands that try `settings` and then look closer.

        Only the second where there are no settings.
        """
        return [*filter(None, (self.command(settings),)), self.diagnose]

    def _entry(self, key: str) -> Parameter | Fixed | None:
        """The space's entry for `key` of the configuration, in the chosen branches."""
        parts = tuple(key.split("."))
        entries = (entry for entry in self._active() if path(entry.key, entry.condition) == parts)
        return next((entry for entry in entries if not (isinstance(entry, Choice) and entry.branching)), None)

    def _active(self) -> Iterator[Parameter | Fixed]:
        """The dimensions and fixed values of the branches that were chosen."""
        entries = (*self.space.parameters, *self.space.values)
        return (entry for entry in entries if holds(entry.condition, self.params))

    def _at(self, key: str, entry: Parameter | Fixed | None, value: Any) -> Change:
        """The change of `entry` to `value`; without one, a new entry."""
        if entry is not None:
            return Change(entry.key, value, entry.condition)
        keys, branch = tuple(key.split(".")), self._branch(key)
        if branch is None:
            return Change(key, value, first=self._variant(keys[0]))
        label = str(self.params[branch.key])
        # the part of the key that lies below the branch: `lr` of `optimizer.lr` in the branch `optimizer`
        inside = keys[len(path(branch.key, branch.condition)) :]
        return Change(".".join((branch.key, label, *inside)), value, (*branch.condition, (branch.key, label)))

    def _variant(self, section: str) -> dict[str, str]:
        """The setting that names a section's variant, if the space lacks it."""
        name = getattr(getattr(self.config, section), "name", None)
        has = any(path(entry.key, entry.condition)[0] == section for entry in self._active())
        return {} if has or name is None else {f"{section}.name": name}

    def _branch(self, key: str) -> Choice | None:
        """The innermost choice of branches around `key`."""
        keys = tuple(key.split("."))
        enclosing = [
            entry
            for entry in self._active()
            if isinstance(entry, Choice) and entry.branching and _begins(keys, path(entry.key, entry.condition))
        ]
        return max(enclosing, key=lambda entry: len(entry.key), default=None)  # the longest key is the innermost branch


def _begins(keys: tuple[str, ...], start: tuple[str, ...]) -> bool:
    return keys[: len(start)] == start


def _bounds(setting: Setting) -> tuple[float, float]:
    assert setting.low is not None  # whoever asks for a range has looked
    assert setting.high is not None
    return setting.low, setting.high


def _range(setting: Setting, entry: Float | Int | None) -> dict[str, Any]:
    """The logarithmic range of `setting`, as a dimension.

    The prior of `entry` stays where it lies in it.
    """
    low, high = _bounds(setting)
    inside = entry is not None and entry.prior is not None and low <= entry.prior <= high
    # a prior outside of the new range says nothing about it
    belief = {"prior": entry.prior, "confidence": entry.confidence} if entry is not None and inside else {}
    return {
        "low": low,
        "high": high,
        "log": True,
        **{name: value for name, value in belief.items() if value is not None},
    }


def _choices(entry: Choice, setting: Setting) -> list[Scalar]:
    """The choices of `entry` that lie in the range of `setting`.

    Where fewer than two do: the ends of the range and their geometric mean.
    """
    low, high = _bounds(setting)
    kept = [
        choice
        for choice in entry.choices
        if isinstance(choice, int | float) and is_number(choice) and low <= choice <= high
    ]
    if len(kept) > 1:
        return list(kept)
    return [low, float(f"{sqrt(low * high):.2g}"), high]  # two digits, as a person would write it
