"""The disk that paused trials take, as it is said before the first trial."""

import pytest
from hpo.search.commands.run.disk import disk_note, most_checkpoints
from hpo.search.configuration.largest import largest_configs
from hpo.search.progress.format import disk_size
from hpo.spaces.load import load_space
from hpo.studies.records.strategy import StrategyRecord
from hpo.training.config import TrialConfig
from hpo.training.models.config import ResNet

RUNGS = StrategyRecord("rungs", "forest", one_in=(4, 4), rungs=(1, 4))


@pytest.mark.parametrize(
    ("trials", "workers", "most"),
    [(50, 2, 13 + 4 + 2), (1, 1, 1), (3, 8, 3), (10_000, 4, 2_500 + 625 + 4)],
)
def test_a_checkpoint_for_those_that_may_go_on_and_those_that_run(trials: int, workers: int, most: int) -> None:
    assert most_checkpoints(RUNGS, trials, workers) == most
    assert most <= trials / (4 - 1) + len(RUNGS.rungs) + workers


@pytest.mark.parametrize(
    ("strategy", "trials", "size", "words"),
    [
        (RUNGS, 50, 2_300_000,
         "disk: checkpoints of at most 19 trials at once, paused ones included, each of 2.3 MB: 44 MB at most"),
        (StrategyRecord("narrow_rungs", "forest", one_in=(12, 2), rungs=(1, 4)), 50, 2_300_000,
         "disk: checkpoints of at most 10 trials at once, paused ones included, each of 2.3 MB: 23 MB at most"),
        (RUNGS, 50, None,
         "disk: checkpoints of at most 19 trials at once, paused ones included, each of unknown size"),
        (RUNGS, None, 2_300_000,
         "disk: every paused trial keeps its checkpoints, each of 2.3 MB; --trials or --max-epochs-total bounds them"),
        (StrategyRecord("later", rungs=(1,)), 7, 10**6,
         "disk: checkpoints of at most 7 trials at once, paused ones included, each of 1.0 MB: 7.0 MB at most"),
        (StrategyRecord("pruning", "tpe", "median"), 50, 2_300_000, ""),
    ],
)  # fmt: skip
def test_the_line(strategy: StrategyRecord, trials: int | None, size: int | None, words: str) -> None:
    assert disk_note(strategy, trials, 2, size) == words


@pytest.mark.parametrize(
    ("trials", "configurations", "most"), [(None, 30, 30), (50, 30, 30), (50, 51, 19), (30, 30, 30)]
)
def test_where_all_configurations_can_be_tried_any_may_go_on(
    trials: int | None, configurations: int, most: int
) -> None:
    assert f"at most {most} trials at once" in disk_note(RUNGS, trials, 2, None, configurations)


def test_sizes_read_well() -> None:
    assert [disk_size(size) for size in (20_000, 2_345_678, 48_400_000, 999_600_000, 1_250_000_000)] == [
        "0.0 MB", "2.3 MB", "48 MB", "1000 MB", "1.2 GB"
    ]  # fmt: skip


def test_the_largest_of_a_space_are_high_in_every_branch() -> None:
    configs = largest_configs(load_space("resnet", TrialConfig, []))
    assert {config.optimizer.name for config in configs} == {"sgd", "adamw"}
    sizes = {(config.model.depth, config.model.width) for config in configs if isinstance(config.model, ResNet)}
    assert sizes == {(10, 32), (14, 32)}
