"""Search-space files and the code that reads and checks them."""
