"""`hpo studies`: its options."""
