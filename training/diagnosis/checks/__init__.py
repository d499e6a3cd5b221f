"""One check per file; `registry.py` beside this folder names them all."""
