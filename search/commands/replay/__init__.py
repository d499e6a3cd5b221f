"""`hpo replay`: a trial again from its record, and how close it came."""
