"""The files of a study that all of its machines share: checkpoints, the space, models of users' own."""
