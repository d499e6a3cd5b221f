import gzip
import io
import os
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hpo.common.bounded import UnfitFileError, check_regular, read_bytes, read_gzip
from hpo.common.bounded_arrays import read_npz

MOST = 1000


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(60 * 10**9)


def bound_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


UNFIT: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a directory": Path.mkdir,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "at most": sparse,
}


@pytest.mark.parametrize("reason", UNFIT)
def test_what_is_no_file_of_a_stated_size_is_refused_at_once(tmp_path: Path, reason: str) -> None:
    UNFIT[reason](tmp_path / "x")
    for read in (read_bytes, check_regular, read_gzip):
        with pytest.raises(UnfitFileError, match=reason) as raised:
            read(tmp_path / "x", MOST)
        assert raised.value.filename == str(tmp_path / "x")


def test_a_socket_is_refused(tmp_path: Path) -> None:
    bound_socket(tmp_path / "x")
    with pytest.raises(OSError, match=r"socket|No such device"):
        read_bytes(tmp_path / "x", MOST)


def test_a_file_of_the_very_size_is_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"a" * MOST)
    (tmp_path / "link").symlink_to("x")
    assert read_bytes(tmp_path / "link", MOST) == b"a" * MOST


def test_a_file_that_is_not_there_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "x", MOST)


def test_a_few_bytes_of_gzip_that_stand_for_many_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(gzip.compress(bytes(100 * MOST)))
    assert (tmp_path / "x").stat().st_size < MOST
    with pytest.raises(UnfitFileError, match="at most"):
        read_gzip(tmp_path / "x", MOST)


def test_arrays_come_back(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "x.npz", a=np.arange(3), b=np.zeros((2, 2)))
    found = read_npz(tmp_path / "x.npz", 10 * MOST)
    assert found.keys() == {"a", "b"}
    assert found["a"].tolist() == [0, 1, 2]


def test_arrays_that_stand_for_more_than_they_may_are_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "x.npz", a=np.zeros(100 * MOST))
    with pytest.raises(UnfitFileError, match="must stand for at most"):
        read_npz(tmp_path / "x.npz", 10 * MOST)


def test_an_array_that_lies_about_its_size_is_damaged(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**13,)})
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as packed:
        packed.writestr("a.npy", header.getvalue())
    with pytest.raises((ValueError, EOFError)):
        read_npz(tmp_path / "x.npz", 10 * MOST)
