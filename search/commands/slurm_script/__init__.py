"""`hpo slurm-script`: a search as a job of Slurm."""
