"""Images per class, to learn from and to be judged by."""

from ...setting import Setting
from ..finding import Cause, Chart, Checked, Finding, problem, warning
from ..registry import register_check
from ..subject import Subject

_IMBALANCE = 10.0  # from which accuracy hides the small classes
_FEW = 10  # training images of a class
_CHARTED = 60  # classes that a chart can show


@register_check("labels", "Labels", needs_model=False)
def check(subject: Subject) -> Checked:
    """Check the images per class and split."""
    pack = subject.pack
    train, val = pack.counts["train"], pack.counts["val"]
    names = list(pack.class_names)
    counts = {"train": list(train), "val": list(val)}
    summary = f"{len(names)} classes of {min(train)} to {max(train)} training images; {sum(val)} images validate."
    largest = sorted(range(len(names)), key=lambda label: -train[label])[:_CHARTED]
    series = {split: [float(values[label]) for label in largest] for split, values in counts.items()}
    chart = Chart("Images per class", "class", "images", [names[label] for label in largest], series)
    return Checked(summary, _findings(subject), {"classes": names, **counts}, [chart])


def _findings(subject: Subject) -> list[Finding]:
    pack, findings = subject.pack, []
    train, names = pack.counts["train"], pack.class_names
    labels = pack.train.labels
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(names):
        text = f"labels must be 0 to {len(names) - 1}, but they go from {labels.min()} to {labels.max()}"
        findings.append(problem(Cause.LABELS, text, "prepare the data again (remove the pack)"))
    few = [name for name, count in zip(names, train, strict=True) if count < _FEW]
    if few:
        text = f"{len(few)} of {len(names)} classes have fewer than {_FEW} training images ({min(train)} at the least)"
        findings.append(
            warning(Cause.HINT, text, "collect more images, start from a pretrained model, augment strongly")
        )
    balanced = subject.config.loss.class_weights != "none" or subject.config.sampling.method != "shuffle"
    if max(train) > _IMBALANCE * max(min(train), 1) and not balanced:
        text = f"the classes are unequal: {max(train)} images of one, {min(train)} of another"
        advice = "weigh the loss or the sampling by class, and judge by val_balanced_accuracy"
        findings.append(warning(Cause.HINT, text, advice, Setting("loss.class_weights", "inverse")))
    return findings
