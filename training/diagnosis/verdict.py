"""The verdict on a run, from its history alone. A pure function; no torch.

The rules are tried in order, the gravest first, and the first that holds decides. Each is a function of the curves that
returns a Verdict with the numbers it rests on, or None.
"""

from collections.abc import Callable, Sequence
from typing import Final

from ..config import TrialConfig
from ..report import Status, TrainResult, Verdict, VerdictKind
from .trace import Trace

FEWEST_EPOCHS: Final = 3
"""Below this, curves have no shape yet."""
HALVES_FROM: Final = 6
"""Epochs from which the first and the second half are compared."""

_FAR = 3.0  # times the loss of a uniform guess: confidently wrong
_WIDE_GAP, _GAP = 0.2, 0.1  # of accuracy between training and validation; the smaller one where val_loss rises as well
_RISEN = 1.1  # times its minimum: val_loss has turned
_FLAT, _FLAT_ACCURACY = 0.02, 0.01  # of the loss of a guess, and of accuracy: gains in half a run that are none
_MASTERED, _HALF = 0.9, 0.5  # skill

Rule = Callable[[Trace], Verdict | None]


def judge(result: TrainResult, config: TrialConfig, class_counts: Sequence[int]) -> Verdict:
    """What the history of a run, however it ended, says about it.

    Args:
        result: the run; its own verdict is not looked at.
        config: what was trained; it makes the advice concrete.
        class_counts: training images per class.
    """
    if result.status is Status.DIVERGED:
        return _diverged(result, config)
    if not result.history:
        return Verdict(VerdictKind.UNDECIDED, f"no epoch was finished ({result.message or result.status.value})")
    trace = Trace.of(result, config, class_counts)
    found = (rule(trace) for rule in RULES)
    return next((verdict for verdict in found if verdict is not None), _healthy(trace))


def _diverged(result: TrainResult, config: TrialConfig) -> Verdict:
    lr = config.optimizer.lr
    after = f" after {len(result.history)} good epochs" if result.history else ""
    return Verdict(VerdictKind.DIVERGED, f"{result.message}{after}, at optimizer.lr {lr:g}", _calmer(config))


def _exploding(trace: Trace) -> Verdict | None:
    last, highest, lowest = trace.train_loss[-1], max(trace.train_loss), min(trace.train_loss)
    uniform = trace.chance.uniform_loss
    lost = not trace.carries_over or trace.val_loss[-1] > uniform
    collapsed = last > 2 * lowest and last > 0.95 * uniform
    if last <= 2 * uniform and not (highest > _FAR * uniform and lost) and not collapsed:
        return None
    at = trace.train_loss.index(highest) + 1
    told = f"the training loss was {lowest:.3g} at best and {last:.3g} at the end"
    if not collapsed:
        told = f"the training loss reached {highest:.3g} in epoch {at}"
    norm = f"gradient norms up to {max(trace.grad_norm):.3g}"
    evidence = f"{told}, where a guess has {uniform:.3g}; {norm}"
    return Verdict(VerdictKind.EXPLODING, evidence, _calmer(trace.config))


def _too_short(trace: Trace) -> Verdict | None:
    if trace.epochs >= FEWEST_EPOCHS or trace.val_skill >= _HALF:
        return None
    count = "1 epoch is" if trace.epochs == 1 else f"{trace.epochs} epochs are"
    return Verdict(VerdictKind.UNDECIDED, f"{count} too few to tell; {_reached(trace)}")


def _not_learning(trace: Trace) -> Verdict | None:
    if trace.epochs < FEWEST_EPOCHS or trace.carries_over or trace.learned:
        return None
    chance, lr = trace.chance, trace.config.optimizer.lr
    evidence = (
        f"after {trace.epochs} epochs hardly better than a guess, which has accuracy {chance.accuracy:.3g} and loss "
        f"{chance.loss:.3g}; {_reached(trace)}"
    )
    advice = (
        f"run hpo diagnose: its learning-rate range test says whether optimizer.lr {lr:g} is too small or too large, "
        "its other checks whether labels, gradients or weight decay are at fault"
    )
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
    return Verdict(VerdictKind.OVERFITTING, _apart(trace) + (rise if turned else ""), _regularise(trace.config))


def _memorised(trace: Trace) -> Verdict:
    evidence = f"{_apart(trace)}: validation stays at a guess ({trace.chance.accuracy:.3g})"
    if trace.config.ema.decay is not None:
        advice = f"the averaged weights lag behind those that learn: lower ema.decay {trace.config.ema.decay:g}"
    else:
        advice = (
            "what is learned does not carry over: look whether labels and images belong together, and whether both "
            "splits are of one kind (hpo data; hpo diagnose --check label_signal)"
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
    advice = (
        f"change the learning rate (optimizer.lr {trace.config.optimizer.lr:g}; hpo diagnose --check lr_range), let it "
        "fall (schedule: cosine or plateau), or take a larger model"
    )
    return Verdict(VerdictKind.PLATEAU, evidence, advice)


def _underfitting(trace: Trace) -> Verdict | None:
    if trace.epochs < FEWEST_EPOCHS or max(trace.train_skill, trace.val_skill) >= _HALF:
        return None
    falling = trace.train_loss[-1] < trace.train_loss[-2]
    evidence = f"{_reached(trace)}, less than half of what there is to learn" + (
        "; the training loss was still falling" if falling else ""
    )
    longer = f"train longer (budget.epochs {trace.config.budget.epochs}), or " if falling else ""
    advice = f"{longer}raise optimizer.lr (hpo diagnose --check lr_range), take a larger model, or regularise less"
    return Verdict(VerdictKind.UNDERFITTING, evidence, advice)


def _healthy(trace: Trace) -> Verdict:
    return Verdict(VerdictKind.HEALTHY, _reached(trace))


RULES: tuple[Rule, ...] = (_exploding, _too_short, _not_learning, _overfitting, _plateau, _underfitting)


def _reached(trace: Trace) -> str:
    shown = f"train_loss {trace.train_loss[-1]:.3g}, train_accuracy {trace.train_accuracy[-1]:.3f}"
    return f"{shown}, val_accuracy {trace.val_accuracy[-1]:.3f}" if trace.validated else shown


def _apart(trace: Trace) -> str:
    return f"train_accuracy {trace.train_accuracy[-1]:.3f} but val_accuracy {trace.val_accuracy[-1]:.3f}"


def _calmer(config: TrialConfig) -> str:
    lr = config.optimizer.lr
    clip = "" if config.optimizer.max_grad_norm is not None else ", clip the gradient (optimizer.max_grad_norm: 1.0)"
    return (
        f"lower optimizer.lr, for example to {lr / 10:g}{clip}, or warm up; hpo diagnose --check lr_range measures it"
    )


def _regularise(config: TrialConfig) -> str:
    stop = "" if config.budget.patience is not None else ", stop early (budget.patience)"
    return f"more images or more augmentation, more optimizer.weight_decay or dropout, a smaller model{stop}"
