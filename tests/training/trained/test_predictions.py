"""Files of every kind, in a stream."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hpo.common.decode import decode
from hpo.training.checkpoints.training_folder import TrainingFolder
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.train import train
from hpo.training.trained.folder import Trained
from hpo.training.trained.model import TrainedModel, open_trained
from hpo.training.trained.predict import predict_files
from PIL import Image


@pytest.fixture(scope="module")
def model(
    digits_pack: Path, small_config: Callable[..., TrialConfig], tmp_path_factory: pytest.TempPathFactory
) -> TrainedModel:
    pack, config = Pack.open(digits_pack), small_config(budget={"epochs": 1})
    folder = TrainingFolder.create(tmp_path_factory.mktemp("run"), config, pack, "a test")
    list(train(config, pack=pack.path, directory=folder.path, device="cpu"))
    return open_trained(Trained.describe(folder.path))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    return path


def test_an_answer_is_that_of_the_model_on_the_decoded_file(model: TrainedModel, image: Path) -> None:
    (found,) = predict_files(model, [image], 4)
    shares = model.probabilities(model.logits(decode(image, 8, 1)[None]))[0]
    assert found.probabilities == pytest.approx(shares.tolist(), rel=1e-5)
    assert found.class_name == model.trained.class_names[shares.argmax()]
    assert found.confidence == max(found.probabilities)
    assert sum(found.probabilities) == pytest.approx(1.0, abs=1e-5)


def test_a_file_that_is_no_image_costs_its_own_answer_alone(model: TrainedModel, image: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("buy milk")
    (tmp_path / "empty.png").touch()
    (tmp_path / "cut.png").write_bytes(image.read_bytes()[:200])
    os.mkfifo(tmp_path / "pipe.png")
    Image.new("CMYK", (9, 9)).save(tmp_path / "cmyk.jpg")
    Image.new("I;16", (9, 9)).save(tmp_path / "deep.png")
    names = ("text.png", "image.png", "empty.png", "cut.png", "pipe.png", "gone.png", "cmyk.jpg", "deep.png")
    found = {Path(answer.path).name: answer for answer in predict_files(model, [tmp_path / name for name in names], 3)}
    assert tuple(found) == names
    errors = {name: answer.error for name, answer in found.items() if answer.error}
    assert set(errors) == {"text.png", "empty.png", "cut.png", "pipe.png", "gone.png"}
    assert errors["text.png"] == "text, not an image"
    assert errors["gone.png"] == "No such file or directory"
    assert all(answer.probabilities == () for answer in found.values() if answer.error)


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_order_and_answers_do_not_depend_on_the_batch(
    model: TrainedModel, image: Path, tmp_path: Path, batch_size: int
) -> None:
    paths = [image if number % 3 else tmp_path / f"gone-{number}" for number in range(50)]
    found = list(predict_files(model, paths, batch_size))
    assert [answer.path for answer in found] == [str(path) for path in paths]
    assert len({answer.class_name for answer in found if not answer.error}) == 1


def test_a_stream_without_end_is_taken_a_few_batches_ahead(model: TrainedModel, image: Path) -> None:
    taken = itertools.count()

    def endless() -> Iterator[Path]:
        while next(taken) < 1_000_000:
            yield image

    stream = predict_files(model, endless(), 32)
    for _ in range(300):
        assert not next(stream).error
    assert next(taken) < 300 + 32 + 1000
    stream.close()  # type: ignore[attr-defined]


def test_a_name_that_is_not_unicode_can_be_printed(model: TrainedModel, tmp_path: Path) -> None:
    (found,) = predict_files(model, [tmp_path / os.fsdecode(b"caf\xe9.png")], 1)
    assert found.path == f"{tmp_path}/caf%e9.png"
