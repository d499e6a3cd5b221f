"""`hpo monitor`: its options."""
