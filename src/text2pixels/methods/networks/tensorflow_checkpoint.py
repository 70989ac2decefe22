"""Read the tensors of a TensorFlow 1 or 2 checkpoint without TensorFlow.

A checkpoint PREFIX is the bundle of PREFIX.index and PREFIX.data-SSSSS-of-NNNNN. The index is a
LevelDB table (github.com/google/leveldb, doc/table_format.md): blocks of key/value pairs, keys
prefix-compressed, a footer that says where the index of the blocks is. The empty key holds a
BundleHeaderProto, every other key is the name of a tensor and holds a BundleEntryProto
(tensorflow/core/protobuf/tensor_bundle.proto): type, shape, shard, offset, size. The data files are
the tensors' bytes, little-endian, row-major.

Only arrays of plain numbers are made; nothing in a file can run code. The checksums of the index and of every
tensor that is read are verified. So a data file belongs to its index, and whoever knows the published index by its
digest knows that the data are the published ones.
"""

import struct
from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from text2pixels.errors import InputError

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48  # bytes
_TRAILER = 5  # bytes after a block: type of compression, masked CRC-32C
# tensorflow/core/framework/types.proto
_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 9: "<i8", 19: "<f2"}


def read_checkpoint(prefix: Path, wanted: Callable[[str], bool] = lambda _: True) -> dict[str, NDArray[np.generic]]:
    """Return the tensors of the checkpoint by name.

    Args:
        prefix: Path of the checkpoint, without ``.index``.
        wanted: Says of a tensor's name whether it is read, and its checksum verified.

    Raises:
        InputError: a file is missing, damaged, not of that index, or uses what is not read here (compressed
            index, big-endian data, partitioned variables, strings).
    """
    index = prefix.with_name(f"{prefix.name}.index")
    try:
        entries = dict(_read_table(index.read_bytes()))
        header = _read_message(entries.pop(b""))
        if header.get(2):
            raise ValueError("big-endian")
        shards = int(header.get(1, 0))
        data = [prefix.with_name(f"{prefix.name}.data-{i:05d}-of-{shards:05d}").read_bytes() for i in range(shards)]
        named = {name.decode(): entry for name, entry in entries.items()}
        return {name: _read_tensor(name, entry, data) for name, entry in named.items() if wanted(name)}
    except OSError as error:
        raise InputError(f"cannot read checkpoint {prefix}: {error.filename}: {error.strerror}") from error
    except (ValueError, KeyError, IndexError, struct.error) as error:
        raise InputError(f"{index} is not a TensorFlow checkpoint that can be read: {error}") from error


def _read_tensor(name: str, entry: bytes, data: list[bytes]) -> NDArray[np.generic]:
    fields = _read_message(entry)
    if 7 in fields:
        raise ValueError("partitioned variable")
    number = int(fields[1])
    if number not in _TYPES:
        raise ValueError(f"tensor of type {number}")
    shape = [int(_read_message(dim).get(1, 0)) for dim in _read_repeated(bytes(fields.get(2, b"")), 2)]
    kind = np.dtype(_TYPES[number])
    offset, size = int(fields.get(4, 0)), int(fields.get(5, 0))
    content = data[int(fields.get(3, 0))][offset : offset + size]
    if len(content) != size or size != prod(shape) * kind.itemsize:
        raise ValueError(f"tensor of shape {shape} has {len(content)} bytes")
    if masked_crc32c(content) != int.from_bytes(bytes(fields[6]), "little"):
        raise ValueError(f"the data of {name} are damaged, or of another checkpoint: their checksum does not match")
    return np.frombuffer(content, dtype=kind).reshape(shape).copy()  # writable, for torch


def _read_table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the key/value pairs of a LevelDB table."""
    footer = content[-_FOOTER:]
    if len(footer) < _FOOTER or struct.unpack("<Q", footer[-8:])[0] != _MAGIC:
        raise ValueError("no table footer")
    _, _, at = _read_handle(footer, 0)  # the meta index, which is empty
    offset, size, _ = _read_handle(footer, at)
    for _, handle in _read_block(content, offset, size):
        offset, size, _ = _read_handle(handle, 0)
        yield from _read_block(content, offset, size)


def _read_block(content: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    block = content[offset : offset + size]
    compression, checksum = struct.unpack("<BI", content[offset + size : offset + size + _TRAILER])
    if compression:
        raise ValueError("compressed index")
    if checksum != masked_crc32c(content[offset : offset + size + 1]):
        raise ValueError("checksum of the index does not match")
    restarts = struct.unpack("<I", block[-4:])[0]
    end = len(block) - 4 * (restarts + 1)
    at, key = 0, b""
    while at < end:
        shared, at = _read_varint(block, at)
        fresh, at = _read_varint(block, at)
        length, at = _read_varint(block, at)
        key = key[:shared] + block[at : at + fresh]
        yield key, block[at + fresh : at + fresh + length]
        at += fresh + length


def _read_handle(content: bytes, at: int) -> tuple[int, int, int]:
    offset, at = _read_varint(content, at)
    size, at = _read_varint(content, at)
    return offset, size, at


def _read_message(content: bytes) -> dict[int, int | bytes]:
    """Return the last value of each field of a protobuf message."""
    return dict(_read_fields(content))


def _read_repeated(content: bytes, number: int) -> list[bytes]:
    return [bytes(value) for field, value in _read_fields(content) if field == number]


def _read_fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(content):
        tag, at = _read_varint(content, at)
        match tag & 7:
            case 0:
                value, at = _read_varint(content, at)
                yield tag >> 3, value
            case 1:
                yield tag >> 3, content[at : at + 8]
                at += 8
            case 2:
                length, at = _read_varint(content, at)
                yield tag >> 3, content[at : at + length]
                at += length
            case 5:
                yield tag >> 3, content[at : at + 4]
                at += 4
            case kind:
                raise ValueError(f"protobuf field of wire type {kind}")


def _read_varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _crc32c_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC32C = _crc32c_table()


def masked_crc32c(content: bytes) -> int:
    """Return the CRC-32C (Castagnoli) of the bytes, masked as LevelDB stores it."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = (crc >> 8) ^ _CRC32C[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
