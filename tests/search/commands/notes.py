"""What the tests of commands that train watch with."""

from hpo.training.report import Activity, EpochReport


class Notes:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.epochs: list[int] = []
        self.notes: list[str] = []

    def stage(self, stage: str, done: int, total: int) -> None:
        pass

    def training(self, epochs: int) -> None:
        pass

    def busy(self, activity: Activity) -> None:
        pass

    def epoch(self, report: EpochReport) -> None:
        self.epochs.append(report.epoch)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def close(self) -> None:
        pass
