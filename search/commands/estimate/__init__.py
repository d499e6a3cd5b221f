"""`hpo extend`: trials of a study go on with more epochs."""
