"""What is optimised: losses, weights of classes, and how often an image is drawn."""
