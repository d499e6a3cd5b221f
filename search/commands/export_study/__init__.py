"""`hpo export-study`: a study as a file."""
