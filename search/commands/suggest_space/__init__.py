"""`hpo suggest-space`: the next space, by what a study has found."""
