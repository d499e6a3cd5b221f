"""The verdict on a training, from its history alone.

A pure function; no torch.

The rules are tried in order, the gravest first, and the first that holds decides. Each is a function of the curves that
returns a Verdict with the numbers it rests on, or None.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from ..config import TrialConfig
from ..report import Status, TrainResult, Verdict, VerdictKind, by_fold
from ..setting import Setting
from .trace import Trace

FEWEST_EPOCHS: Final = 3
"""Below this, curves have no shape yet."""
HALVES_FROM: Final = 6
"""Epochs from which the first and the second half are compared."""

_FAR = 3.0  # times the loss of a uniform guess: confidently wrong
_WIDE_GAP, _GAP = 0.2, 0.1  # of accuracy between training and validation; the smaller one where val_loss rises as well
_RISEN = 1.1  # times its minimum: val_loss has turned
_FLAT, _FLAT_ACCURACY = 0.02, 0.01  # of the loss of a guess, and of accuracy: gains in half a run that are none
_MASTERED, _HALF = 0.9, 0.5  # skill: little is left to gain, half of what there is to learn
_PATIENCE = 5  # epochs without a better one, as the advice has it
_CALMER = "a lower learning rate, a clipped gradient, or a warm-up"
_REGULARISE = "more images or more augmentation, more weight decay or dropout, a smaller model, or an earlier stop"

Rule = Callable[[Trace], Verdict | None]


def judge(result: TrainResult, config: TrialConfig, class_counts: Sequence[int]) -> Verdict:
    """Judge a training by its history, however it ended.

    Args:
        result: of the training; its own verdict is not looked at.
        config: what was trained; it makes the advice concrete.
        class_counts: training images per class.
    """
    if result.status is Status.DIVERGED:
        return _diverged(result, config)
    if not result.history:
        return Verdict(VerdictKind.UNDECIDED, f"no epoch was finished ({result.message or result.status.value})")
    trace = Trace.of(result, config, class_counts)
    verdicts = (rule(trace) for rule in RULES)
    return next((verdict for verdict in verdicts if verdict is not None), _healthy(trace))


def judge_folds(result: TrainResult, config: TrialConfig, class_counts: Sequence[Sequence[int]]) -> Verdict:
    """Judge the training of each fold: the verdict on most of them, with the numbers of the first of these.

    `class_counts` are the training images per class of each fold; of a training without folds there is one.
    """
    folds = by_fold(result.history)
    if result.status is Status.DIVERGED or len(folds) < 2:
        return judge(result, config, class_counts[max(len(folds) - 1, 0)])
    verdicts = [
        judge(replace(result, history=tuple(fold)), config, counts)
        for fold, counts in zip(folds, class_counts, strict=False)  # the last ones may not have begun
    ]
    kinds = [verdict.kind for verdict in verdicts]
    kind = max(kinds, key=kinds.count)  # the first of equals
    first = kinds.index(kind)
    among = f"{kinds.count(kind)} of {len(kinds)} folds are so, such as fold {first + 1}"
    return replace(verdicts[first], evidence=f"{among}: {verdicts[first].evidence}")


def _diverged(result: TrainResult, config: TrialConfig) -> Verdict:
    lr = config.optimizer.lr
    after = f" after {len(result.history)} good epochs" if result.history else ""
    return Verdict(VerdictKind.DIVERGED, f"{result.message}{after}, at optimizer.lr {lr:g}", _CALMER, _calmer(config))


def _exploding(trace: Trace) -> Verdict | None:
    last, highest, lowest = trace.train_loss[-1], max(trace.train_loss), min(trace.train_loss)
    uniform = trace.chance.uniform_loss
    lost = not trace.carries_over or trace.val_loss[-1] > uniform
    collapsed = last > 2 * lowest and last > 0.95 * uniform
    if last <= 2 * uniform and not (highest > _FAR * uniform and lost) and not collapsed:
        return None
    worst_epoch = trace.train_loss.index(highest) + 1
    sentence = f"the training loss was {lowest:.3g} at best and {last:.3g} at the end"
    if not collapsed:
        sentence = f"the training loss reached {highest:.3g} in epoch {worst_epoch}"
    norm = f"gradient norms up to {max(trace.grad_norm):.3g}"
    evidence = f"{sentence}, where a guess has {uniform:.3g}; {norm}"
    return Verdict(VerdictKind.EXPLODING, evidence, _CALMER, _calmer(trace.config))


def _too_short(trace: Trace) -> Verdict | None:
    if trace.epochs >= FEWEST_EPOCHS or trace.val_skill >= _HALF:
        return None
    count = "1 epoch is" if trace.epochs == 1 else f"{trace.epochs} epochs are"
    return Verdict(VerdictKind.UNDECIDED, f"{count} too few to tell; {_reached(trace)}")


def _not_learning(trace: Trace) -> Verdict | None:
    if trace.epochs < FEWEST_EPOCHS or trace.carries_over or trace.learned:
        return None
    chance = trace.chance
    evidence = (
        f"after {trace.epochs} epochs hardly better than a guess, which has accuracy {chance.accuracy:.3g} and loss "
        f"{chance.loss:.3g}; {_reached(trace)}"
    )
    advice = "diagnose it: the learning rate, labels, gradients or weight decay may be at fault"
    return Verdict(VerdictKind.NOT_LEARNING, evidence, advice)


def _overfitting(trace: Trace) -> Verdict | None:
    if trace.epochs < FEWEST_EPOCHS or not trace.validated or not trace.learned:
        return None
    if not trace.carries_over:
        return _memorised(trace)
    lowest = min(trace.val_loss)
    turned = trace.val_loss[-1] > _RISEN * lowest and trace.train_loss[-1] < trace.train_loss[0]
    if trace.gap < (_GAP if turned else _WIDE_GAP):
        return None
    rise = f"; val_loss rose from {lowest:.3g} in epoch {trace.val_loss.index(lowest) + 1} to {trace.val_loss[-1]:.3g}"
    evidence = _apart(trace) + (rise if turned else "")
    return Verdict(VerdictKind.OVERFITTING, evidence, _REGULARISE, _stop_early(trace.config))


def _memorised(trace: Trace) -> Verdict:
    evidence = f"{_apart(trace)}: validation stays at a guess ({trace.chance.accuracy:.3g})"
    if (decay := trace.config.ema.decay) is not None:
        advice = f"the averaged weights lag behind those that learn: average over fewer steps than with {decay:g}"
        shorter = Setting("ema.decay", round(1 - 10 * (1 - decay), 6) if decay > 0.95 else 0.5)
        return Verdict(VerdictKind.OVERFITTING, evidence, advice, (shorter,))
    advice = (
        "what is learned does not carry over: look whether labels and images belong together, and whether both splits "
        "are of one kind"
    )
    return Verdict(VerdictKind.OVERFITTING, evidence, advice)


def _plateau(trace: Trace) -> Verdict | None:
    if trace.epochs < HALVES_FROM or max(trace.train_skill, trace.val_skill) >= _MASTERED:
        return None
    half = trace.epochs // 2
    fallen = min(trace.train_loss[:half]) - min(trace.train_loss[half:])
    risen = max(trace.val_accuracy[half:]) - max(trace.val_accuracy[:half])
    if fallen > _FLAT * trace.chance.loss or risen > _FLAT_ACCURACY:
        return None
    evidence = f"nothing better since epoch {half}: {_reached(trace)}"
    advice = "change the learning rate, as diagnosing measures it, or let it fall later or earlier; or a larger model"
    return Verdict(VerdictKind.PLATEAU, evidence, advice)


def _underfitting(trace: Trace) -> Verdict | None:
    if trace.epochs < FEWEST_EPOCHS or max(trace.train_skill, trace.val_skill) >= _HALF:
        return None
    falling = trace.train_loss[-1] < trace.train_loss[-2]
    evidence = f"{_reached(trace)}, less than half of what there is to learn" + (
        "; the training loss was still falling" if falling else ""
    )
    advice = "a learning rate as diagnosing measures it, a larger model, or less regularisation"
    if not falling:
        return Verdict(VerdictKind.UNDERFITTING, evidence, advice)
    longer = Setting("budget.epochs", min(2 * trace.config.budget.epochs, 100_000))
    return Verdict(VerdictKind.UNDERFITTING, evidence, f"train longer; {advice}", (longer,))


def _healthy(trace: Trace) -> Verdict:
    return Verdict(VerdictKind.HEALTHY, _reached(trace))


RULES: tuple[Rule, ...] = (_exploding, _too_short, _not_learning, _overfitting, _plateau, _underfitting)


def _reached(trace: Trace) -> str:
    reached = f"train_loss {trace.train_loss[-1]:.3g}, train_accuracy {trace.train_accuracy[-1]:.3f}"
    return f"{reached}, val_accuracy {trace.val_accuracy[-1]:.3f}" if trace.validated else reached


def _apart(trace: Trace) -> str:
    return f"train_accuracy {trace.train_accuracy[-1]:.3f} but val_accuracy {trace.val_accuracy[-1]:.3f}"


def _calmer(config: TrialConfig) -> tuple[Setting, ...]:
    lr = float(f"{config.optimizer.lr / 10:.2g}")
    rate = Setting("optimizer.lr", lr, lr / 100, lr)
    return (rate,) if config.optimizer.max_grad_norm is not None else (rate, Setting("optimizer.max_grad_norm", 1.0))


def _stop_early(config: TrialConfig) -> tuple[Setting, ...]:
    return () if config.budget.patience is not None else (Setting("budget.patience", _PATIENCE),)
