"""The named data sets, from files written here in the published formats; and what is said where there are none."""

import gzip
import pickle
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torchvision.datasets
from hpo.errors import DataError
from hpo.training.data.config import DataConfig
from hpo.training.data.pack import Pack, open_test
from hpo.training.data.prepare import prepare
from hpo.training.data.sources import cifar, idx
from hpo.training.data.sources.base import SOURCES, DataSource

RANDOM = np.random.default_rng(0)
LABELS = {"train": np.arange(120) % 10, "t10k": np.arange(40) % 10}
IMAGES = {part: RANDOM.integers(0, 256, (len(labels), 28, 28), dtype=np.uint8) for part, labels in LABELS.items()}


def idx_bytes(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


def write_idx(folder: Path, *, gzipped: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for part, labels in LABELS.items():
        for stem, array in ((f"{part}-images-idx3-ubyte", IMAGES[part]), (f"{part}-labels-idx1-ubyte", labels)):
            content = idx_bytes(array)
            (folder / f"{stem}{'.gz' if gzipped else ''}").write_bytes(gzip.compress(content) if gzipped else content)


def write_cifar(folder: Path) -> np.ndarray:
    """Six batches as published: a dict with byte keys, rows of 3,072 bytes, channel by channel."""
    folder.mkdir(parents=True, exist_ok=True)
    data = RANDOM.integers(0, 256, (6, 30, 3072), dtype=np.uint8)
    for name, pixels in zip(cifar.BATCHES, data, strict=True):
        batch = {b"data": pixels, b"labels": [row % 10 for row in range(30)], b"batch_label": b"x", b"filenames": []}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    return data.reshape(180, 3, 32, 32).transpose(0, 2, 3, 1)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every download fails at once, as without a network."""

    def refuse(*_: object, **__: object) -> None:
        print("Downloading http://nowhere/")  # torchvision has printed here
        raise OSError("<urlopen error [Errno -2] Name or service not known>")

    for name in ("MNIST", "FashionMNIST", "CIFAR10"):
        monkeypatch.setattr(torchvision.datasets, name, refuse)
    monkeypatch.setattr(idx, "DEBIAN", Path("/nowhere"))


def pack(tmp_path: Path, name: str, root: Path | None = None, **settings: object) -> Pack:
    config = DataConfig.model_validate({"source": name, **settings})
    return prepare(config, cache=tmp_path / "cache", data_root=root or tmp_path / "root")


def test_digits_are_always_there(tmp_path: Path) -> None:
    packed = pack(tmp_path, "digits")
    assert (packed.image_size, packed.channels, packed.split_given) == (8, 1, False)
    assert [packed.size(part) for part in ("train", "val", "test")] == [1437, 180, 180]
    assert packed.train.images.max() == 255
    assert packed.class_names == tuple("0123456789")


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("layout", ["torchvision", "plain", "root"])
def test_idx_files_in_every_layout(tmp_path: Path, name: str, gzipped: bool, layout: str) -> None:
    torchvision_name = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}[name]
    root = tmp_path / (name if layout == "root" else "data")
    folder = {"torchvision": root / torchvision_name / "raw", "plain": root / name, "root": root}[layout]
    write_idx(folder, gzipped=gzipped)
    packed = pack(tmp_path, name, root)
    test = open_test(packed, "compare", tmp_path / "log")
    assert packed.given_splits == ("train", "test")
    assert np.array_equal(test.images[..., 0], IMAGES["t10k"])
    assert np.array_equal(test.labels, LABELS["t10k"])
    assert np.array_equal(packed.train.images[..., 0], IMAGES["train"][packed.train.index])


def test_gzip_and_plain_give_the_same_pack(tmp_path: Path) -> None:
    write_idx(tmp_path / "a" / "MNIST", gzipped=True)
    write_idx(tmp_path / "b" / "MNIST")
    assert pack(tmp_path, "mnist", tmp_path / "a") == pack(tmp_path, "mnist", tmp_path / "b")


@pytest.mark.parametrize(
    ("content", "law"),
    [
        (b"\0\0\x08\x03" + b"\0\0\0\x05" * 3 + b"123", "cut short"),
        (b"GIF89a", "not an idx file"),
        (b"", "not an idx file"),
    ],
)
def test_a_broken_idx_file_is_named(tmp_path: Path, content: bytes, law: str) -> None:
    write_idx(tmp_path / "root" / "MNIST")
    (tmp_path / "root" / "MNIST" / idx.STEMS[0]).write_bytes(content)
    with pytest.raises(DataError, match=f"(?s){idx.STEMS[0]}: .*{law}"):
        pack(tmp_path, "mnist")


def test_a_cut_gzip_file_is_named(tmp_path: Path) -> None:
    write_idx(tmp_path / "root" / "MNIST", gzipped=True)
    file = tmp_path / "root" / "MNIST" / f"{idx.STEMS[0]}.gz"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(DataError, match="not a whole gzip file"):
        pack(tmp_path, "mnist")


def test_images_and_labels_that_do_not_belong_together(tmp_path: Path) -> None:
    write_idx(tmp_path / "root" / "MNIST")
    (tmp_path / "root" / "MNIST" / idx.STEMS[1]).write_bytes(idx_bytes(np.zeros(7)))
    with pytest.raises(DataError, match="do not belong together"):
        pack(tmp_path, "mnist")


@pytest.mark.parametrize("layout", ["folder", "archive"])
def test_cifar10(tmp_path: Path, layout: str) -> None:
    folder = tmp_path / "root" / cifar.FOLDER
    images = write_cifar(folder)
    if layout == "archive":
        with tarfile.open(tmp_path / "root" / cifar.ARCHIVE, "w:gz") as tar:
            tar.add(folder, cifar.FOLDER)
        for file in folder.iterdir():
            file.unlink()
    packed = pack(tmp_path, "cifar10")
    assert (packed.image_size, packed.channels) == (32, 3)
    assert np.array_equal(packed.train.images, images[packed.train.index])
    assert np.array_equal(open_test(packed, "compare", tmp_path / "log").images, images[150:])
    mean = images[packed.train.index].mean(axis=(0, 1, 2)) / 255
    std = images[packed.train.index].std(axis=(0, 1, 2)) / 255
    assert packed.mean == pytest.approx(mean.tolist())
    assert packed.std == pytest.approx(std.tolist())


def test_a_pickle_that_wants_to_run_code_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
            return Path.mkdir, (Path(tmp_path / "owned"),)

    write_cifar(tmp_path / "root" / cifar.FOLDER)
    file = tmp_path / "root" / cifar.FOLDER / cifar.BATCHES[0]
    file.write_bytes(pickle.dumps({b"data": Evil(), b"labels": []}))
    with pytest.raises(DataError, match=f"{cifar.BATCHES[0]}: not a CIFAR-10 batch"):
        pack(tmp_path, "cifar10")
    assert not (tmp_path / "owned").exists()


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_neither_on_disk_nor_downloadable(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError) as caught:
        pack(tmp_path, name)
    message = str(caught.value)
    assert len(message.splitlines()) == 3
    for part in (name, str(tmp_path / "root"), "Name or service not known", "--data-root", "--data digits"):
        assert part in message
    assert capfd.readouterr() == ("", "")
    assert list((tmp_path / "root").iterdir()) == []
    assert str(pickle.loads(pickle.dumps(caught.value))) == message  # it crosses from a child process


def test_a_download_arrives_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(root: str, download: bool) -> None:
        assert download
        print("100%")
        write_idx(Path(root) / "MNIST" / "raw")

    monkeypatch.setattr(torchvision.datasets, "MNIST", fetch)
    assert pack(tmp_path, "mnist").size("test") == 40
    assert [path.name for path in (tmp_path / "root").iterdir()] == ["MNIST"]


@pytest.mark.usefixtures("offline")
def test_the_data_root_is_the_argument_else_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx(tmp_path / "elsewhere" / "MNIST")
    monkeypatch.setenv("HPO_DATA_ROOT", str(tmp_path / "elsewhere"))
    assert prepare(DataConfig(source="mnist"), cache=tmp_path / "cache").size("test") == 40
    with pytest.raises(DataError):
        pack(tmp_path, "mnist", tmp_path / "empty")


def test_an_unknown_name_suggests_a_near_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'fashion_mnits'; did you mean fashion_mnist"):
        pack(tmp_path, "fashion_mnits")


def test_a_name_is_registered_once() -> None:
    assert set(SOURCES) == {"digits", "mnist", "fashion_mnist", "cifar10"}

    def another(data_root: Path) -> DataSource:
        raise AssertionError(data_root)

    with pytest.raises(DataError, match=r"data set digits: a name is registered once, and .*digits\.py:\w+ has it"):
        SOURCES.register("digits")(another)


def test_preparing_what_is_on_disk_imports_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from hpo.training.config import DataConfig\n"
        "from hpo.training.data.prepare import prepare\n"
        "prepare(DataConfig(source='digits'), cache=pathlib.Path(sys.argv[1]))\n"
        "assert not {'torch', 'torchvision', 'optuna', 'mlflow'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


def test_array_sources_at_another_size_and_colour(tmp_path: Path) -> None:
    packed = pack(tmp_path, "digits", image_size=16, color="rgb")
    assert packed.train.images.shape == (1437, 16, 16, 3)
    assert (packed.train.images[..., :1] == packed.train.images).all()
    assert (packed.image_size_from, packed.channels) == ("asked for", 3)
