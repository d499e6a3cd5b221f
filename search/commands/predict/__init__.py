"""`hpo predict`: answers for image files."""
