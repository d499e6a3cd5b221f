"""`hpo serve`: its options."""
