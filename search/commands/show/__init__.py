"""`hpo show`: its options."""
