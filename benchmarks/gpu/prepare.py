"""Wheels and images for a bare machine with a GPU.

They are gathered here, beside a network. The machine has torch and the packages in packages.txt. What else hpo imports
for a search, a retraining and an export is put into carried/wheels; Fashion-MNIST, cut down, into carried/data. Both
are ignored by git and together small enough to travel with the tree. `run.py` is what is run there.
"""

import argparse
import gzip
import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as plain

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CARRIED = HERE / "carried"
FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
MOST_MIB = 56  # with the tree below 64 MiB

LEFT_OUT = {  # of hpo's dependencies: nothing is tracked, shown or served there
    *("mlflow", "optuna-dashboard", "torch", "torchvision"),
    *("fastapi", "fastapi-offline", "starlette", "uvicorn", "httptools", "uvloop", "prometheus-client"),
}
TESTS = ("pytest-timeout", "hypothesis")
TRAIN, TEST = 20_000, 4_000  # images of Fashion-MNIST
IMAGE_HEAD, LABEL_HEAD = 16, 8  # bytes of the idx format before the first value
PLATFORMS = [f"--platform=manylinux_2_{minor}_x86_64" for minor in (28, 27, 26, 24, 17, 12, 5)]


def main() -> None:
    """Fill the folder, and print its content and size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default="3.12", help="the version of Python there (default 3.12)")
    options = parser.parse_args()
    shutil.rmtree(CARRIED, ignore_errors=True)
    wheels = CARRIED / "wheels"
    wheels.mkdir(parents=True)
    there = set((HERE / "packages.txt").read_text().split())
    download(missing(there, options.python), wheels, options.python)
    write_images(CARRIED / "data" / "fashion_mnist")
    print_sizes()


def wanted() -> list[str]:
    """Return the requirements of hpo and its tests, without LEFT_OUT."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *TESTS]
    return [each for each in asked if plain(Requirement(each).name) not in LEFT_OUT]


def target(python: str) -> list[str]:
    """Return pip's arguments for another machine."""
    return ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}", *PLATFORMS]


def missing(there: set[str], python: str) -> list[str]:
    """Return `name==version` of all that is not there."""
    requirements = [each for each in wanted() if plain(Requirement(each).name) not in there]
    command = [
        "install",
        "-qq",
        "--dry-run",
        "--ignore-installed",
        "--report=-",
        f"--target={CARRIED}",
        *target(python),
    ]
    report = json.loads(pip([*command, *requirements]))
    versions = {plain(each["metadata"]["name"]): each["metadata"]["version"] for each in report["install"]}
    return [f"{name}=={version}" for name, version in sorted(versions.items()) if name not in there]


def download(pinned: Iterable[str], wheels: Path, python: str) -> None:
    """Download the wheels of `pinned`, and of nothing that they need."""
    pip(["download", "-qq", "--no-deps", f"--dest={wheels}", *target(python), *pinned])


def pip(arguments: list[str]) -> str:
    """Run pip, and return what it prints."""
    command = [sys.executable, "-m", "pip", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def write_images(folder: Path) -> None:
    """Write the first images of both parts of Fashion-MNIST.

    In its own format.
    """
    if not FASHION_MNIST.is_dir():
        print(
            f"{FASHION_MNIST} is missing (apt-get install dataset-fashion-mnist); the digits will do", file=sys.stderr
        )
        return
    folder.mkdir(parents=True)
    for stem, count in (("train", TRAIN), ("t10k", TEST)):
        for kind, head, size in (("images-idx3", IMAGE_HEAD, 28 * 28), ("labels-idx1", LABEL_HEAD, 1)):
            name = f"{stem}-{kind}-ubyte.gz"
            content = bytearray(gzip.decompress((FASHION_MNIST / name).read_bytes())[: head + count * size])
            # the idx format states the count in its second word
            content[4:8] = np.array(count, dtype=">u4").tobytes()
            (folder / name).write_bytes(gzip.compress(bytes(content), 9))


def print_sizes() -> None:
    """Print the files with their sizes, the largest first.

    Exit with 1 where it is too much.
    """
    sizes = {path: path.stat().st_size / 2**20 for path in CARRIED.rglob("*") if path.is_file()}
    for path, size in sorted(sizes.items(), key=lambda each: -each[1]):
        print(f"{size:7.2f} MiB  {path.relative_to(CARRIED)}")
    total = sum(sizes.values())
    print(f"{total:7.2f} MiB in {CARRIED.relative_to(ROOT)}, of at most {MOST_MIB}")
    if total > MOST_MIB:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
