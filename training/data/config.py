"""The section `data` of a configuration: which images, at which size, split how."""

from typing import Annotated, Any, Literal, Self

import regex
from pydantic import BeforeValidator, Field, field_validator, model_validator

from ...common.folds import MAX_FOLDS, MIN_FOLDS
from ...errors import nearest
from ..section import FIXED, FIXED_PATH, Section
from .sources.alphabets import ENCODINGS


def _class_names(value: Any) -> Any:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ValueError('must be a list of names, with numbers in quotes, such as [cat, dog] or ["1", "7"]')
    if len({*value}) < max(2, len(value)):
        raise ValueError("must name two classes or more, and each once")
    return tuple(value)


def _fold_and_count(text: str) -> tuple[int, int]:
    """Return the numbers of `2/5`, (0, 0) where it is no such text."""
    match = regex.fullmatch(r"(\d{1,2})/(\d{1,2})", text, regex.ASCII)
    return (int(match[1]), int(match[2])) if match else (0, 0)


ClassNames = Annotated[tuple[str, ...], BeforeValidator(_class_names)]


class DataConfig(Section):
    """Which images, at which size, split how."""

    source: str = Field(
        default="cifar10",
        description="digits, fashion_mnist, mnist, cifar10, a folder of class folders, or a CSV file of paths, labels.",
        json_schema_extra=FIXED_PATH,
    )
    image_size: int | None = Field(
        default=None, ge=4, le=1024, description="Side in pixels; null keeps the source's own.", json_schema_extra=FIXED
    )
    color: Literal["auto", "rgb", "grey"] = Field(
        default="auto", description="auto: grey if every image is grey.", json_schema_extra=FIXED
    )
    val_fraction: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description="Of all images; ignored where a val split is given.",
        json_schema_extra=FIXED,
    )
    test_fraction: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description="Of all images; ignored where a test split is given.",
        json_schema_extra=FIXED,
    )
    folds: int | None = Field(
        default=None,
        ge=MIN_FOLDS,
        le=MAX_FOLDS,
        description="Cross-validation: a trial trains as often, each time without one fold, and is worth the mean. "
        "The folds share what is not in test, instead of a validation split.",
        json_schema_extra=FIXED,
    )
    test_fold: str | None = Field(
        default=None,
        description="2/5: the second of five parts of all images is the test split, instead of test_fraction of them; "
        "`hpo estimate --test-folds 5` takes each in turn.",
        json_schema_extra=FIXED,
    )
    split_seed: int = Field(default=0, ge=0, description="Seed of the stratified split.", json_schema_extra=FIXED)
    val_seed: int | None = Field(
        default=None,
        ge=0,
        description="Seed of which of the images that are not test validate; null: split_seed. The test split stays.",
        json_schema_extra=FIXED,
    )
    split_file: str | None = Field(
        default=None,
        description="A CSV file (path, split) that says where each image belongs; `hpo data --save-split` writes one.",
        json_schema_extra=FIXED_PATH,
    )
    group_pattern: str | None = Field(
        default=None,
        max_length=1000,
        description="Regular expression searched in each image's name; equal first groups stay in one split.",
        json_schema_extra=FIXED,
    )
    path_column: str | None = Field(
        default=None, description="CSV column of the file names; null finds path, file, ...", json_schema_extra=FIXED
    )
    label_column: str | None = Field(
        default=None, description="CSV column of the classes; null finds label, class, ...", json_schema_extra=FIXED
    )
    split_column: str | None = Field(
        default=None, description="CSV column of train, val or test; null finds split, ...", json_schema_extra=FIXED
    )
    group_column: str | None = Field(
        default=None, description="CSV column whose equal values stay in one split.", json_schema_extra=FIXED
    )
    classes: ClassNames | None = Field(
        default=None,
        description="The classes to use, in this order; null uses all, in order of name.",
        json_schema_extra=FIXED,
    )
    images: str | None = Field(
        default=None,
        min_length=1,
        description="Where the files that a CSV names are, from its folder: train/, or images/*.jpg (* is the name).",
        json_schema_extra=FIXED,
    )
    encoding: str | None = Field(
        default=None, description="Of a CSV file, such as gb18030 or cp1252; null finds out.", json_schema_extra=FIXED
    )
    strict: bool = Field(
        default=False,
        description="Refuse files outside of the source's folder: behind links, `..` or absolute paths in a table.",
        json_schema_extra=FIXED,
    )
    max_train: int | None = Field(
        default=None, ge=1, description="Use at most this many training images (stratified).", json_schema_extra=FIXED
    )
    max_val: int | None = Field(
        default=None, ge=1, description="Use at most this many validation images (stratified).", json_schema_extra=FIXED
    )
    batch_size: int = Field(default=128, ge=1, le=65536, description="Images per optimiser step.")

    @field_validator("group_pattern")
    @classmethod
    def _has_a_group(cls, pattern: str | None) -> str | None:
        try:
            groups = regex.compile(pattern or "()").groups
        except (regex.error, RecursionError, OverflowError, MemoryError) as error:
            raise ValueError(f"must be a regular expression: {error}") from None
        if not groups:
            raise ValueError(f"must have a group in parentheses, such as ^(.*)_\\d+, got {pattern}")
        return pattern

    @field_validator("test_fold")
    @classmethod
    def _is_a_part(cls, fold: str | None) -> str | None:
        number, of = _fold_and_count(fold) if fold is not None else (1, MIN_FOLDS)
        if not 1 <= number <= of or not MIN_FOLDS <= of <= MAX_FOLDS:
            raise ValueError(f"must be a part of 2 to {MAX_FOLDS}, such as 1/5 or 5/5, got {fold}")
        return fold

    @field_validator("images")
    @classmethod
    def _has_one_star_at_most(cls, images: str | None) -> str | None:
        if images and ("*" in images.rpartition("/")[0] or images.count("*") > 1):
            raise ValueError(
                f"must be a folder, or have one * in place of the names, such as images/*.jpg, got {images}"
            )
        return images

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, encoding: str | None) -> str | None:
        try:
            "".encode(encoding or "utf-8")
        except LookupError:
            hint = nearest(encoding or "", ENCODINGS)
            raise ValueError(f"must be an encoding of text that Python knows, got {encoding!r}; {hint}") from None
        return encoding

    @model_validator(mode="after")
    def _says_each_thing_once(self) -> Self:
        if self.group_pattern and self.group_column:
            raise ValueError("group_pattern and group_column must not both be set")
        if self.split_file and self.split_column:
            raise ValueError("split_file and split_column must not both be set")
        if self.folds and self.max_val:
            raise ValueError("folds and max_val must not both be set; with folds, max_train is of all of them together")
        return self

    @property
    def test_part(self) -> tuple[int, int] | None:
        """`test_fold` as numbers: which part, from 1, and of how many."""
        return None if self.test_fold is None else _fold_and_count(self.test_fold)
