"""An evaluation on disk.

All of its files at once, in place of a former one of the same model and images.
"""

import json
from pathlib import Path

import numpy as np

from ..export.names import EVALUATION_FILES, EVALUATION_JSON, EVALUATION_PAGE, EVALUATION_PICTURES
from ..export.promote import staged
from .evaluation import EvaluationReport
from .page import page
from .pictures import confusion_picture, mistakes_picture, reliability_picture
from .subject import Subject


def keep(report: EvaluationReport, subject: Subject, folder: Path) -> None:
    """Write an evaluation's files into `folder`, as a whole.

    evaluation.json, evaluation.html and the pictures; the folder is made or replaced.

    Raises:
        ExportError: they cannot be written, or `folder` holds other files; what was in it is as it was.
    """
    images = subject.images([mistake.row for mistake in report.mistakes])
    counts = np.array(report.metrics.confusion_matrix)
    confusion = confusion_picture(counts, report.class_names, report.title)
    pictures = (confusion, reliability_picture(report), mistakes_picture(report, images))
    with staged(folder, _others) as staging:
        text = json.dumps(report.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
        (staging / EVALUATION_JSON).write_text(text + "\n", encoding="utf-8")
        (staging / EVALUATION_PAGE).write_text(page(report, images, *pictures[:2]), encoding="utf-8")
        for name, content in zip(EVALUATION_PICTURES, pictures, strict=True):
            (staging / name).write_bytes(content)


def _others(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name not in EVALUATION_FILES)
