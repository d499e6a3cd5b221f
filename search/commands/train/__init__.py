"""`hpo train`: one configuration."""
