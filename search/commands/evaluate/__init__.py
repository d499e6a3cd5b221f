"""`hpo evaluate`: a trained model on held-out data."""
