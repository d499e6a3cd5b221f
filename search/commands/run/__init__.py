"""`hpo run`: a search."""
