"""Names of files that whoever reads an export meets."""

ONNX, PROGRAM = "model.onnx", "model.pt2"
SAMPLES = "samples.npz"
PREPROCESS = "preprocess.py"
