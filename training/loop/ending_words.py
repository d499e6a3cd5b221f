"""What is said of a training that did not finish."""

from ..report import Status


def ending_words(status: Status, epoch: str, timeout_s: float) -> str:
    """Say how a training ended in the `epoch` that is named, which had `timeout_s` seconds for all."""
    match status:
        case Status.DIVERGED:
            return f"the loss was NaN or infinite in {epoch}"
        case Status.TIMED_OUT:
            return f"it has trained for {timeout_s:g} s, as long as a trial may, and ended in {epoch}"
        case Status.STOPPED:
            return f"stopped in {epoch}"
        case _:
            return f"paused in {epoch}"
