"""`hpo check`: its options."""
