"""One check per file; `registry.py` beside this folder has their order."""
