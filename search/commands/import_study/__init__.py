"""`hpo import-study`: a study from a file or another store."""
