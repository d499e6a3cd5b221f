"""Settings to try, written so that they can be pasted: with the keys, branches and dimensions of the space at hand."""

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
    """A setting as the space at hand takes it: its key there, and a value, or a dimension as a mapping.

    `condition` are the branches that it stands in. `first` is what has to be said before it where the space has no such
    section yet: its variant, such as `{"optimizer.name": "sgd"}`.
    """

    key: str
    value: Any
    condition: Condition = ()
    first: Mapping[str, str] = field(default_factory=dict)

    @property
    def overrides(self) -> tuple[str, ...]:
        """What `--set` takes: `optimizer.sgd.lr={low: 0.01, high: 0.5, log: true}`."""
        return tuple(f"{key}={flow(value)}" for key, value in {**self.first, self.key: self.value}.items())

    @property
    def flags(self) -> str:
        """The same as words for a shell."""
        return " ".join(f"--set {shlex.quote(text)}" for text in self.overrides)

    @property
    def lines(self) -> str:
        """The lines of the space's file that say the same, from the outermost section inwards."""
        return dump_values({**self.first, self.key: self.value}, self.condition)

    def to_json(self) -> dict[str, Any]:
        """Key and value, and how to write them."""
        return {"key": self.key, "value": self.value, "set": list(self.overrides)}


@dataclass(frozen=True, slots=True)
class Target:
    """What is advised on: a space with `params` for its dimensions, which make `config`.

    `train` and `diagnose` are the command lines for it, `in_file` tells that the space is what a file says, without
    changes. A saved configuration is a space without dimensions.
    """

    space: SearchSpace
    params: Mapping[str, Scalar]
    config: TrialConfig
    train: str
    diagnose: str
    in_file: bool = False

    @classmethod
    def saved(cls, config: TrialConfig, train: str, diagnose: str) -> Self:
        """A configuration as it was saved."""
        source = Source("saved", config.model_dump_json(), Location("saved", Path.cwd()))
        return cls(load_source(source, TrialConfig), {}, config, train, diagnose)

    @classmethod
    def run(cls, folder: Path, config: TrialConfig) -> Self:
        """The run in `folder`; its configuration is a space file, too."""
        from ....training.checkpoints.training_folder import CONFIG

        train = f"hpo train --space {shlex.quote(str(folder / CONFIG))}"
        return cls.saved(config, train, f"hpo diagnose {shlex.quote(str(folder))}")

    @classmethod
    def trial(cls, study: str, number: int, config: TrialConfig, flags: str = "") -> Self:
        """A trial of a study; `flags` say where it is kept, if that is elsewhere."""
        name = f"--trial {shlex.quote(f'{study}/{number}')}{flags}"
        return cls.saved(config, f"hpo train {name}", f"hpo diagnose {name}")

    def change(self, setting: Setting) -> Change:
        """`setting` in the place of what the space has for it: a value, a range, or choices."""
        entry = self._entry(setting.key)
        if setting.low is None or setting.high is None or not isinstance(entry, Float | Int | Choice):
            return self._at(setting.key, entry, setting.value)
        if isinstance(entry, Choice):
            return self._at(setting.key, entry, {"choices": _choices(entry, setting)})
        return self._at(setting.key, entry, _range(setting, entry))

    def dimension(self, setting: Setting) -> Change:
        """The range of `setting` to search, whatever the space has for it now."""
        return self._at(setting.key, self._entry(setting.key), _range(setting, None))

    def command(self, settings: tuple[Setting, ...]) -> str:
        """The command that trains once with all of `settings`; empty where there are none."""
        return " ".join((self.train, *(self.change(one).flags for one in settings))) if settings else ""

    def commands(self, settings: tuple[Setting, ...]) -> list[str]:
        """The commands that try `settings`, if there are any, and that look closer."""
        return [*filter(None, (self.command(settings),)), self.diagnose]

    def _entry(self, key: str) -> Parameter | Fixed | None:
        """What the space says for `key` of the configuration, in the branches that were chosen."""
        wanted = tuple(key.split("."))
        entries = (one for one in self._active() if path(one.key, one.condition) == wanted)
        return next((one for one in entries if not (isinstance(one, Choice) and one.branching)), None)

    def _active(self) -> Iterator[Parameter | Fixed]:
        entries = (*self.space.parameters, *self.space.values)
        return (entry for entry in entries if holds(entry.condition, self.params))

    def _at(self, key: str, entry: Parameter | Fixed | None, value: Any) -> Change:
        if entry is not None:
            return Change(entry.key, value, entry.condition)
        keys, branch = tuple(key.split(".")), self._branch(key)
        if branch is None:
            return Change(key, value, first=self._variant(keys[0]))
        label = str(self.params[branch.key])
        inside = keys[len(path(branch.key, branch.condition)) :]
        return Change(".".join((branch.key, label, *inside)), value, (*branch.condition, (branch.key, label)))

    def _variant(self, section: str) -> dict[str, str]:
        """What says the variant of a section of which the space says nothing."""
        name = getattr(getattr(self.config, section), "name", None)
        has = any(path(one.key, one.condition)[0] == section for one in self._active())
        return {} if has or name is None else {f"{section}.name": name}

    def _branch(self, key: str) -> Choice | None:
        """The innermost choice of branches around `key`."""
        keys = tuple(key.split("."))
        around = [
            one
            for one in self._active()
            if isinstance(one, Choice) and one.branching and _begins(keys, path(one.key, one.condition))
        ]
        return max(around, key=lambda one: len(one.key), default=None)


def _begins(keys: tuple[str, ...], start: tuple[str, ...]) -> bool:
    return keys[: len(start)] == start


def _bounds(setting: Setting) -> tuple[float, float]:
    assert setting.low is not None  # whoever asks for a range has looked
    assert setting.high is not None
    return setting.low, setting.high


def _range(setting: Setting, entry: Float | Int | None) -> dict[str, Any]:
    """A logarithmic range; the prior of `entry` stays where it lies in it."""
    low, high = _bounds(setting)
    inside = entry is not None and entry.prior is not None and low <= entry.prior <= high
    belief = {"prior": entry.prior, "confidence": entry.confidence} if entry is not None and inside else {}
    return {
        "low": low,
        "high": high,
        "log": True,
        **{name: value for name, value in belief.items() if value is not None},
    }


def _choices(entry: Choice, setting: Setting) -> list[Scalar]:
    """Those of the choices that lie in the range, where two or more do; else three from the range."""
    low, high = _bounds(setting)
    kept = [one for one in entry.choices if isinstance(one, int | float) and is_number(one) and low <= one <= high]
    if len(kept) > 1:
        return list(kept)
    return [low, float(f"{sqrt(low * high):.2g}"), high]
