"""`hpo ui`: its options."""
