"""Three numbers of an image, on images whose numbers are known."""

import numpy as np
import pytest
from hpo.serving.statistics import input_statistics


def test_a_constant_image_is_as_bright_as_its_value_and_nothing_else() -> None:
    found = input_statistics(np.full((2, 3, 8, 8), 51, np.uint8))
    assert found.brightness == pytest.approx([0.2, 0.2])
    assert found.contrast == pytest.approx([0, 0])
    assert found.sharpness == pytest.approx([0, 0])


def test_a_chessboard_has_the_highest_contrast_and_sharpness() -> None:
    board = (np.indices((8, 8)).sum(axis=0) % 2 * 255).astype(np.uint8)
    found = input_statistics(board[None, None])
    assert found.brightness == pytest.approx([0.5])
    assert found.contrast == pytest.approx([0.5])
    assert found.sharpness == pytest.approx([4.0])


def test_a_blurred_image_is_less_sharp() -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, 1, 16, 16), np.uint8)
    blurred = ((image[..., :-1] // 2) + (image[..., 1:] // 2)).astype(np.uint8)
    assert input_statistics(blurred).sharpness[0] < input_statistics(image).sharpness[0]
