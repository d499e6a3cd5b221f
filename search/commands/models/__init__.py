"""`hpo models`: its options."""
