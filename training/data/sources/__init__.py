"""Sources of images, one file per kind.

Registered by name in base.py, located through find.py.
"""
