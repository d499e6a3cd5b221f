"""`hpo export`: more formats of an export, or an export of a training."""
