"""The trackers of a study: MLflow, TensorBoard, Weights & Biases, or none."""
