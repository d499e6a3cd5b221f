"""A study that was searched, retrained and evaluated, for commands that read such a thing."""

from pathlib import Path

import pytest
from hpo.search.api import evaluate, retrain_best, run

SMALL = ("model.width=4", "data.batch_size=128", "data.max_train=300")


@pytest.fixture(scope="session")
def searched(tmp_path_factory: pytest.TempPathFactory, quick_exports: None) -> Path:
    """A home with two studies on the same images, `deep` and `wide`, both retrained; `deep` is evaluated, too."""
    home = tmp_path_factory.mktemp("searched") / "runs"
    for study, trials, seed in (("deep", 8, 1), ("wide", 2, 2)):
        run(
            space="simple_cnn", study=study, data="digits", overrides=SMALL, trials=trials, epochs=4, seed=seed,
            executor="inline", tracking_uri="none", pruner="percentile:10", home=home,
        )  # fmt: skip
        retrain_best(study=study, home=home, tracking_uri="none", device="cpu")
    evaluate(model="deep", home=home, tracking_uri="none", device="cpu")
    return home
