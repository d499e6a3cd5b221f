"""Where images come from: one file per kind of source, registered by name in base.py, found through find.py."""
