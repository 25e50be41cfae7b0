"""Images of written digits: the 8 by 8 ones that come with scikit-learn, or MNIST from files of one's own.

The 1,797 small ones (UCI optical recognition of handwritten digits, values 0 to 16) are put into a fixed order, image
k of it being number `STRIDE` k mod 1,797 of the set; the first 1,500 are for training, the other 297 are unseen.
MNIST is read from the four IDX files of its usual names, plain or compressed, in a folder that is given; its own two
parts are used. Nothing is ever downloaded.
"""

import functools
import gzip
import importlib.util
import math
import pathlib
import zlib
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from tacit.errors import InputError

SMALL = 1797  # images that come with scikit-learn
SMALL_SIDE = 8  # rows and columns of each
SMALL_TRAINING = 1500
STRIDE = 1009  # has no factor in common with 1797, so that every image comes once
PARTS = ("training", "unseen")
FILES = {"training": "train", "unseen": "t10k"}  # how MNIST's files begin
MOST = 2**30  # bytes of one file's images
MAGIC = {1: 0x00000801, 3: 0x00000803}  # of IDX files of bytes, by dimensions


class Images(NamedTuple):
    """Images and what they show. Pixels are 0 to `brightest`."""

    pixels: UInt8[np.ndarray, "N rows columns"]
    digit: UInt8[np.ndarray, " N"]
    brightest: int


@functools.cache
def images(folder: str, part: str) -> Images:
    """The images of a part, "training" or "unseen": MNIST's of a folder, or the small ones where none is named.

    Raises:
        InputError: scikit-learn is not installed, or a file is missing, damaged or not what its name says.
    """
    return mnist(pathlib.Path(folder).expanduser(), part) if folder else small(part)


def small(part: str) -> Images:
    """The images that come with scikit-learn.

    Raises:
        InputError: it is not installed.
    """
    if importlib.util.find_spec("sklearn") is None:
        raise InputError("the 8x8 digits come with scikit-learn, which is missing; pip install 'tacit[digits]'")
    from sklearn.datasets import load_digits  # takes a second

    pixels, digit = load_digits(return_X_y=True)
    pixels = np.asarray(pixels, np.uint8).reshape(SMALL, SMALL_SIDE, SMALL_SIDE)
    order = STRIDE * np.arange(SMALL) % SMALL
    chosen = order[:SMALL_TRAINING] if part == "training" else order[SMALL_TRAINING:]
    return Images(pixels[chosen], np.asarray(digit, np.uint8)[chosen], 16)


def mnist(folder: pathlib.Path, part: str) -> Images:
    """The images of MNIST in a folder.

    Raises:
        InputError: a file is missing, damaged or not what its name says, or the two do not fit together.
    """
    pixels = idx(found(folder, f"{FILES[part]}-images-idx3-ubyte"), 3)
    digit = idx(found(folder, f"{FILES[part]}-labels-idx1-ubyte"), 1)
    if len(pixels) != len(digit):
        raise InputError(f"{folder} has {len(pixels)} images of {FILES[part]} and {len(digit)} labels")
    if digit.max() > 9:
        raise InputError(f"{folder} has labels of {FILES[part]} up to {digit.max()}; they must be digits, 0 to 9")
    return Images(pixels, digit, 255)


def found(folder: pathlib.Path, name: str) -> pathlib.Path:
    """The file of that name in a folder, or its compressed form.

    Raises:
        InputError: there is neither.
    """
    if not folder.is_dir():
        raise InputError(f"no folder {folder}; name one that holds MNIST's IDX files")
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise InputError(f"{folder} holds neither {name} nor {name}.gz")


def idx(path: pathlib.Path, dimensions: int) -> np.ndarray:
    """The bytes of an IDX file as an array: a magic number, so many sizes (all big-endian), and then the bytes.

    Raises:
        InputError: it cannot be read, is of another kind, or is shorter or longer than its sizes say.
    """
    length = 4 + 4 * dimensions
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            start = file.read(length)
            head = [int.from_bytes(start[i : i + 4]) for i in range(0, len(start) // 4 * 4, 4)]
            if head and head[0] != MAGIC[dimensions]:
                raise InputError(f"{path} begins with {head[0]:#010x}, not with {MAGIC[dimensions]:#010x} as it must")
            if len(head) != 1 + dimensions:
                raise InputError(f"{path} is cut off in its head of {length} bytes")
            shape, wanted = tuple(head[1:]), math.prod(head[1:])
            if not 0 < wanted <= MOST:
                raise InputError(f"{path} has sizes that make no sense: {' x '.join(map(str, shape))}")
            content = file.read(wanted + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read: {str(error) or type(error).__name__}") from None
    if len(content) != wanted:
        than = "more" if len(content) > wanted else f"{len(content)}"
        raise InputError(f"{path} should hold {wanted} bytes after its head, and holds {than}")
    return np.frombuffer(content, np.uint8).reshape(shape)
