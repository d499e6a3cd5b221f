"""File names that readers of an export meet."""

ONNX, PROGRAM = "model.onnx", "model.pt2"
SAMPLES, PREDICTIONS = "samples.npz", "predictions.npz"
PREPROCESS = "preprocess.py"

EVALUATION = "evaluation"
"""The folder of evaluations beside a model; a folder in it for each set of images."""

EVALUATION_JSON, EVALUATION_PAGE = "evaluation.json", "evaluation.html"
EVALUATION_PICTURES = ("confusion_matrix.png", "reliability.png", "mistakes.png")
EVALUATION_FILES = frozenset((EVALUATION_JSON, EVALUATION_PAGE, *EVALUATION_PICTURES))
