"""`hpo estimate`: what a search is worth on images that it did not see."""
