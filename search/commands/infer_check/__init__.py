"""`hpo infer-check`: an export run again in a fresh process."""
