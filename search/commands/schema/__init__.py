"""`hpo schema`: its options."""
