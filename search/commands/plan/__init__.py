"""`hpo plan`: what a search will take, and what is unwise about it."""
