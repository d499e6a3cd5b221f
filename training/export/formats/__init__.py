"""The file formats of an export, one per file, each known by its name."""
