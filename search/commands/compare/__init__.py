"""`hpo compare`: two studies, or two exports, side by side."""
