"""Names of the files that an evaluation leaves, for those who meet them without making one."""

FOLDER = "evaluation"
"""Beside a model; a folder in it for each set of images."""

JSON, PAGE = "evaluation.json", "evaluation.html"
PICTURES = ("confusion_matrix.png", "reliability.png", "mistakes.png")
ALL = frozenset((JSON, PAGE, *PICTURES))
