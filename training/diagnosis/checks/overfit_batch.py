"""Whether the model can learn one batch by heart.

What cannot do that cannot learn at all.

Without augmentation and dropout, with the training's own loss, optimiser and learning rate.
"""

import math

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ...machine.seeding import seeded
from ..finding import Cause, Chart, Checked, Finding, problem
from ..registry import register_check
from ..subject import Subject

# Images of the batch, steps at most, and steps of warm-up: few images, so that a sound model learns them in few steps.
IMAGES, STEPS, RAMP = 32, 200, 10
_LEARNED = 0.95  # accuracy on the batch


@register_check("overfit_batch", "One batch, learned by heart")
def check(subject: Subject) -> Checked:
    """Check the learning of one batch of 32 training images.

    Up to 200 steps, until every image is right with a low loss.
    """
    images, labels = subject.batch(IMAGES)
    with seeded(subject.config.seed, 1, subject.device):
        losses, accuracies = _train(subject, images, labels)
    best = max(accuracies)
    summary = f"One batch of {len(images)} images: accuracy {best:.2f} after {len(losses)} steps at optimizer.lr."
    numbers = {"losses": losses, "accuracy": best, "steps": len(losses)}
    steps = [float(step) for step in range(1, len(losses) + 1)]
    chart = Chart("One batch, learned by heart", "step", "loss", steps, {"loss": losses}, log_y=True)
    return Checked(summary, _findings(losses, accuracies), numbers, [chart])


def _train(subject: Subject, images: Tensor, labels: Tensor) -> tuple[list[float], list[float]]:
    learner, lr = subject.learner(), subject.config.optimizer.lr
    learner.model.train()
    for module in learner.model.modules():
        if isinstance(module, nn.Dropout | nn.Dropout2d | nn.AlphaDropout):
            module.eval()
    losses, accuracies = [], []
    for step in range(STEPS):
        _, logits, _ = learner.step(images, labels, lr * min(1.0, (step + 1) / RAMP))
        losses.append(cross_entropy(logits.float(), labels).item())
        accuracies.append((logits.argmax(dim=1) == labels).double().mean().item())
        # a tenth of a guess's loss: the curve is then as good as at its end
        learned = accuracies[-1] == 1.0 and losses[-1] < 0.1 * math.log(len(subject.pack.class_names))
        if learned or not math.isfinite(losses[-1]):
            break
    return losses, accuracies


def _findings(losses: list[float], accuracies: list[float]) -> list[Finding]:
    if not math.isfinite(losses[-1]):
        text = f"on one batch the loss becomes NaN or infinite after {len(losses)} steps"
        return [problem(Cause.FIT, text, "look at lr_range and gradients for what makes it so large")]
    if max(accuracies[len(accuracies) // 2 :]) >= _LEARNED:
        return []
    text = f"the model does not learn even one batch by heart: accuracy {max(accuracies):.2f} after {len(losses)} steps"
    advice = "the learning rate is not right (lr_range), or no gradient reaches the weights (gradients, weight_decay)"
    return [problem(Cause.FIT, text, advice)]
