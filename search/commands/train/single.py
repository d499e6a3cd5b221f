"""The one configuration that `hpo train` was asked for."""

import random
from dataclasses import dataclass, replace
from itertools import chain
from math import sqrt
from pathlib import Path

from ....spaces.draw import allowed_draws
from ....spaces.find import Source
from ....spaces.load import load_source, load_space
from ....spaces.node import Location
from ....spaces.parameter import Choice, Float, Int, Parameter, Scalar, exact, is_number
from ....spaces.space import SearchSpace
from ....studies.home import Home
from ....training.config import TrialConfig
from ...configuration.configure import configure
from ...configuration.space_file import SpaceFile
from ...resolve.trial import split_trial
from .options import TrainOptions


@dataclass(frozen=True, slots=True)
class Single:
    """One configuration, its name, its origin and its dimensions' values.

    `origin` says in words where it came from. `named` tells whether the user named its model in this command: in a
    space or by `--set`.
    """

    name: str
    origin: str
    config: TrialConfig
    params: dict[str, Scalar]
    named: bool = True


def choose_single(options: TrainOptions, home: Home) -> Single:
    """Return the configuration that `options` mean.

    A trial's is taken as it was saved, a space's with a value for each dimension.

    Raises:
        SpaceError: the space, a change or the trial's name says something that cannot be.
        StudyError: no such trial.
    """
    if options.trial is not None:
        return _from_trial(options.trial, options, home)
    assert options.space is not None  # the options say one of the two
    space = load_space(options.space, SpaceFile, options.changes)
    return _single(space.name, f"space {space.name}", space)


def _from_trial(trial: str, options: TrainOptions, home: Home) -> Single:
    """The configuration of the trial "STUDY/N", with the changes of `options`."""
    from ....studies.records.summarise import summarise
    from ....studies.store.storage import open_existing
    from ..retrain.choose import config_as_now

    study, number = split_trial(trial, "--trial")
    summary = summarise(open_existing(options.storage, home), study)
    record = summary.trial(number)
    saved = config_as_now(summary, record, home)
    origin = f"trial {record.number} of study {study}"
    source = Source(f"{study}-{record.number}", saved.model_dump_json(), Location(origin, Path.cwd()))
    single = _single(source.name, origin, load_source(source, TrialConfig, options.changes))
    return replace(single, named=single.config.model.name != saved.model.name)


def _single(name: str, origin: str, space: SearchSpace) -> Single:
    """The configuration of `space` with the default value of each dimension; another where that is forbidden."""
    params: dict[str, Scalar] = {}
    # lazily: a value chosen decides which branch, and so which dimensions, come next
    for parameter in space.active(params):
        params[parameter.key] = usual(parameter)
    if not space.allows(params):
        order = random.Random(0)  # the same each time; as few dimensions are drawn as can be
        near = (allowed_draws(space, order, fixed) for fixed in (space.priors(), {}))
        params = next(chain.from_iterable(near), params)
    return Single(name, origin, configure(space, params), params)


def usual(parameter: Parameter) -> Scalar:
    """The default value of a dimension: its prior, else the middle.

    The middle is on the dimension's own scale and grid; of choices it is the middle number, and the first where they
    are not all numbers.
    """
    if parameter.has_prior:
        return parameter.prior
    match parameter:
        case Choice(choices=choices):
            numbers = sorted(value for value in choices if isinstance(value, int | float) and is_number(value))
            # the lower of two middle ones
            return numbers[(len(numbers) - 1) // 2] if len(numbers) == len(choices) else choices[0]
        case Int(low=low, high=high, log=True):
            return round(sqrt(low * high))
        case Float(low=low, high=high, log=True):
            return sqrt(low) * sqrt(high)  # not sqrt(low * high), which may leave the range of floats
        case Int(low=low, high=high, step=step):
            return low + (high - low) // step // 2 * step  # rounded down to the grid
        case Float(low=low, high=high, step=step):
            if step is None:
                return low + (high - low) / 2  # not (low + high) / 2, which may leave the range of floats
            # in decimals: floats may miss the grid
            return float(exact(low) + (exact(high) - exact(low)) // exact(step) // 2 * exact(step))
