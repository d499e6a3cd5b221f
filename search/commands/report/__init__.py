"""`hpo report`: a study as one page."""
