"""The seed of a trial's sampler."""

SEED_STRIDE = 1_000_003  # a prime, so that neighbouring study seeds do not share trials' seeds


def trial_seed(seed: int, number: int) -> int:
    """Return the seed of a trial's sampler, in [0, 2^32).

    `seed` is the study's, `number` the trial's, from 0.
    """
    return (seed * SEED_STRIDE + number) % 2**32  # numpy takes no larger seed
