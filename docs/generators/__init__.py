"""What makes pages of docs/ from the code, one file a page."""
