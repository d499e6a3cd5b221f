"""Losses, class weights, and the sampling of images."""
