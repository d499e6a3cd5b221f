"""The measurements of an export's format, and whether it may be used.

No torch.
"""

from math import exp, log

from pydantic import BaseModel, ConfigDict, Field

from ...common.rounding import beside

MAX_LOSS = 0.005
"""Of test accuracy: half a point."""

MAX_SIZE = 0.30
"""Of the size of model.onnx, where a format is there to be small."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Verified(_Part):
    """The agreement of an exported file with the trained model."""

    images: int
    max_abs_diff: float
    top1_agreement: float
    tolerance: float


class Latency(_Part):
    """The time of one call, measured in turn with the other formats."""

    batch: int = Field(description="Images per call.")
    threads: int
    p50_ms: float
    p99_ms: float
    runs: int = Field(description="Calls measured.")


class FormatReport(_Part):
    """A format that was made, run again, tested and measured."""

    files: tuple[str, ...] = Field(description="The model first.")
    how: str = Field(description="How it was made.")
    needs_torch: bool = Field(description="Whether running it takes PyTorch.")
    size_bytes: int = Field(description="All its files.")
    agreement: Verified = Field(description="Against the trained model in PyTorch.")
    test_accuracy: float = Field(description="On the test split, in [0, 1].")
    latency: tuple[Latency, ...]
    promoted: bool = Field(description="Whether it is good enough to be used.")
    why_not: str = Field(default="", description="The numbers that speak against it.")


def objection(report: FormatReport, test_accuracy: float, base: FormatReport | None) -> str:
    """Return the numbers that speak against using a format, "" for none.

    Args:
        report: of the format.
        test_accuracy: of the trained model itself.
        base: model.onnx, where the format is there to be smaller and faster than it.
    """
    objections = []
    loss = test_accuracy - report.test_accuracy
    if loss > MAX_LOSS + 1e-9:  # 1e-9: exactly half a point must not fail by rounding
        points, most = beside(100 * loss, 100 * MAX_LOSS, ".2f")
        objections.append(f"loses {points} points of test accuracy (at most {most})")
    if base is not None:
        size, time = report.size_bytes / base.size_bytes, time_ratio(report, base)
        if size > MAX_SIZE:
            share, most = beside(size, MAX_SIZE, ".0%")
            objections.append(f"has {share} of the size of {base.files[0]} (at most {most})")
        if time >= 1:
            times, _ = beside(time, 1, ".2f")
            objections.append(f"takes {times} times as long as {base.files[0]} (must be faster)")
    return "; ".join(objections)


def time_ratio(report: FormatReport, base: FormatReport) -> float:
    """Return the median time of a format over that of `base`.

    The geometric mean over all settings measured.
    """
    pairs = zip(report.latency, base.latency, strict=True)
    logs = [log(one.p50_ms / other.p50_ms) for one, other in pairs]
    return exp(sum(logs) / len(logs))
