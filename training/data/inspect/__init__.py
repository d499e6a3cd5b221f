"""What is in a data set and what is wrong with it: one pass over the images, findings, suggestions, an HTML page."""
