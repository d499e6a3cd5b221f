"""`hpo data`: its options."""
