"""Asking Optuna for values: SearchSpace x trial -> params.

No other module calls `suggest_*`.
"""

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import BaseTrial

from ....spaces.parameter import Choice, Float, Int, Parameter, Scalar
from ....spaces.space import SearchSpace


def suggest(trial: BaseTrial, space: SearchSpace) -> dict[str, Scalar]:
    """Suggest a value for each active dimension of `space`, by dotted key.

    Active are those in the branches that the trial takes.
    """
    params: dict[str, Scalar] = {}
    # `active` looks at `params` as it grows: the choice of a branch decides which dimensions come next
    for parameter in space.active(params):
        params[parameter.key] = _suggest(trial, parameter)
    return params


def distributions(space: SearchSpace) -> dict[str, BaseDistribution]:
    """Optuna's distribution of every dimension, by dotted key.

    Dimensions in branches are among them.
    """
    return {parameter.key: _distribution(parameter) for parameter in space.parameters}


def _suggest(trial: BaseTrial, parameter: Parameter) -> Scalar:
    match parameter:
        case Float(key, low, high, log, step):
            return trial.suggest_float(key, low, high, log=log, step=step)
        case Int(key, low, high, log, step):
            return trial.suggest_int(key, low, high, log=log, step=step)
        case Choice(key, choices):
            return trial.suggest_categorical(key, choices)


def _distribution(parameter: Parameter) -> BaseDistribution:
    match parameter:
        case Float(_, low, high, log, step):
            return FloatDistribution(low, high, log=log, step=step)
        case Int(_, low, high, log, step):
            return IntDistribution(low, high, log=log, step=step)
        case Choice(_, choices):
            return CategoricalDistribution(choices)
