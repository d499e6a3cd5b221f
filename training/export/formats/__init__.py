"""The file formats of an export, one per file."""
