"""Making of an export's formats: written, run again, compared, measured."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import ExportError
from ..data.pack import Pack
from .format_kind import DerivedFormat, Format, Logits, Runtime, Source
from .format_report import FormatReport, Verified, objection
from .formats.registry import BASE, FORMATS
from .latency import measure
from .names import SAMPLES
from .pixels import as_input, sample
from .verify import Agreement, answers, compare, first_line

_IMAGES = 512  # compared on, as in export.py
_SAMPLES = 16  # a few images in the export, to check it by later: `hpo infer-check`


@dataclass(frozen=True, slots=True)
class Made:
    """A format that was made and can be run.

    `how` in words, `agreement` with the trained model, `run` loaded, for one thread.
    """

    name: str
    format: Format
    how: str
    agreement: Agreement
    run: Runtime

    @property
    def key(self) -> str:
        """The name that test results are kept under.

        Made in another way, a format is to be tested again.
        """
        return f"{self.name}: {self.how}"


def make_formats(
    names: Iterable[str], source: Source, pack: Pack, existing: Mapping[str, str]
) -> tuple[list[Made], dict[str, str]]:
    """Make the formats `names`, and keep sample images to check them by.

    In the folder of `source`.

    Args:
        names: registered ones; those of the base formats must be among them, and their files must be there.
        source: what to make them from.
        pack: the data that the model was trained on; up to 512 of its training and validation images are compared on.
        existing: formats whose files are there already, with how they were made.

    Returns:
        Those that work, and why the others do not. What they left behind is removed.

    Raises:
        ExportError: a base format does not work.
    """
    images = sample(pack.train_and_val, _IMAGES)
    program = FORMATS.find("pt2").load(source.folder, 1)
    reference, _ = answers("pt2", program, images)
    made, failed = [], {}
    for name in names:
        form = FORMATS.find(name)
        try:
            how = existing.get(name) or _write(form, source)
            run = program if name == "pt2" else form.load(source.folder, 1)
            together, alone = answers(name, run, images)
            made.append(Made(name, form, how, _agreement(name, form, together, alone, reference), run))
        except Exception as error:  # converters and runtimes have exceptions of their own
            if name in BASE:
                raise
            failed[name] = first_line(error)
            for file in form.files:
                (source.folder / file).unlink(missing_ok=True)
    _keep_samples(source, program)
    return made, failed


def report_formats(
    made: Sequence[Made], folder: Path, pack: Pack, accuracies: Mapping[str, float], test_accuracy: float, cores: int
) -> dict[str, FormatReport]:
    """Measure formats in turns, on 1 and `cores` threads; judge each.

    Args:
        made: see `make_formats`.
        folder: where their files are.
        pack: the data, for real images.
        accuracies: on the test split, by `Made.key`.
        test_accuracy: of the trained model itself.
        cores: how many this process may use.
    """
    images = as_input(sample(pack.val, max(_SAMPLES, 32)))
    measured = []
    for threads in sorted({1, cores}):
        runtimes = {entry.name: entry.run if threads == 1 else entry.format.load(folder, threads) for entry in made}
        measured.append(measure(runtimes, images, threads))
    reports: dict[str, FormatReport] = {}
    for entry in made:
        report = FormatReport(
            files=entry.format.files,
            how=entry.how,
            needs_torch=entry.format.needs_torch,
            size_bytes=sum((folder / file).stat().st_size for file in entry.format.files),
            agreement=Verified.model_validate(entry.agreement, from_attributes=True),
            test_accuracy=accuracies[entry.key],
            latency=tuple(latency for part in measured for latency in part[entry.name]),
            promoted=True,
        )
        why_not = objection(report, test_accuracy, reports["onnx"] if entry.format.must_pay else None)
        reports[entry.name] = report.model_copy(update={"promoted": not why_not, "why_not": why_not})
    return reports


def _write(form: Format, source: Source) -> str:
    if not isinstance(form, DerivedFormat):
        return "written first, all others are made from it"
    from .quiet import quiet

    with quiet():
        return form.write(source)


def _agreement(name: str, form: Format, together: Logits, alone: Logits, reference: Logits) -> Agreement:
    agreement, single = compare(together, reference), compare(alone, reference[: len(alone)])
    if not np.isfinite(together).all():
        raise ExportError(f"{name}: gives answers that are no numbers")
    if form.exact and not (agreement.holds and single.holds):
        how, worse = ("one by one", single) if agreement.holds else ("in batches of 32", agreement)
        raise ExportError(f"{name}: {how}, {worse}")
    return agreement


def _keep_samples(source: Source, program: Runtime) -> None:
    """Write a few validation images with the trained model's answers.

    `hpo infer-check` compares with them.
    """
    images = sample(source.calibration, _SAMPLES)
    logits, _ = answers("pt2", program, images)
    np.savez(source.folder / SAMPLES, images=as_input(images), labels=images.labels, logits=logits)
