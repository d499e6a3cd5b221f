"""Random changes of the training images: one file each, applied per sample to whole batches on the device."""
