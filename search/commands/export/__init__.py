"""`hpo export`: further formats of an export, or a training's export."""
