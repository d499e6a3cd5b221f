"""The only place that asks Optuna for values: SearchSpace x trial -> params."""

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import BaseTrial

from ...spaces.parameter import Choice, Float, Int, Parameter, Scalar
from ...spaces.space import SearchSpace


def suggest(trial: BaseTrial, space: SearchSpace) -> dict[str, Scalar]:
    """A value for each dimension of `space` that exists in the branches `trial` takes, by dotted key."""
    params: dict[str, Scalar] = {}
    for parameter in space.active(params):
        params[parameter.key] = _suggest(trial, parameter)
    return params


def distributions(space: SearchSpace) -> dict[str, BaseDistribution]:
    """Optuna's distribution of every dimension of `space`, those in branches too, by dotted key."""
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
