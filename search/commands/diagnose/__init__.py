"""`hpo diagnose`: why a training does not learn."""
