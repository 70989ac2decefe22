"""The reader against a bundle written here, byte by byte, from the format's description."""

import struct

import numpy as np
import pytest

from text2pixels.errors import InputError
from text2pixels.methods.tensorflow_checkpoint import masked_crc32c, read_checkpoint

TYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9}


def varint(value):
    coded = b""
    while value >= 0x80:
        coded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return coded + bytes([value])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def block(pairs, restart_interval=16):
    """A block of a LevelDB table: keys share prefixes, except at restarts."""
    coded, restarts, previous = b"", [], b""
    for index, (key, value) in enumerate(pairs):
        shared = 0
        if index % restart_interval == 0:
            restarts.append(len(coded))
        else:
            while shared < min(len(key), len(previous)) and key[shared] == previous[shared]:
                shared += 1
        coded += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        previous = key
    return coded + b"".join(struct.pack("<I", restart) for restart in restarts) + struct.pack("<I", len(restarts))


def write_bundle(prefix, tensors, shards=1, compression=0, per_block=3):
    data = [b""] * shards
    entries = [(b"", field(1, shards))]
    for index, (name, array) in enumerate(sorted(tensors.items())):
        shard = index % shards
        shape = b"".join(field(2, field(1, length)) for length in array.shape)
        entry = field(1, TYPES[array.dtype.name]) + field(2, shape)
        entry += field(3, shard) + field(4, len(data[shard])) + field(5, array.nbytes)
        entry += varint(6 << 3 | 5) + struct.pack("<I", masked_crc32c(array.tobytes()))
        entries.append((name.encode(), entry))
        data[shard] += array.tobytes()
    for shard, content in enumerate(data):
        prefix.with_name(f"{prefix.name}.data-{shard:05d}-of-{shards:05d}").write_bytes(content)

    content, handles = b"", []

    def append(body):
        nonlocal content
        handle = varint(len(content)) + varint(len(body))
        kind = bytes([compression])
        content += body + kind + struct.pack("<I", masked_crc32c(body + kind))
        return handle

    for start in range(0, len(entries), per_block):
        part = entries[start : start + per_block]
        handles.append((part[-1][0], append(block(part))))
    meta, index = append(block([])), append(block(handles))
    footer = (meta + index).ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    path = prefix.with_name(f"{prefix.name}.index")
    path.write_bytes(content + footer)
    return path


@pytest.fixture
def tensors():
    noise = np.random.default_rng(0)
    return {
        "layer1/kernel": noise.standard_normal((3, 3, 2, 4)).astype(np.float32),
        "layer1/bias": noise.standard_normal(4).astype(np.float32),
        "layer2/kernel": noise.standard_normal((200, 3)),
        "layer2/bias": np.array([-1, 0, 1], dtype=np.int32),
        "step": np.array(12345678901, dtype=np.int64),
    }


@pytest.mark.parametrize("shards", [1, 2])
def test_reads_back_every_tensor(tmp_path, tensors, shards):
    write_bundle(tmp_path / "model.ckpt", tensors, shards)
    read = read_checkpoint(tmp_path / "model.ckpt")
    assert read.keys() == tensors.keys()
    for name, array in tensors.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)
        read[name].fill(0)  # writable


def test_checksum_is_castagnoli_masked():
    # The check value of CRC-32C is e3069283; LevelDB's mask rotates by 15 and adds a constant.
    crc = 0xE3069283
    assert masked_crc32c(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_a_damaged_index_is_noticed_wherever_it_is_damaged(tmp_path, tensors):
    path = write_bundle(tmp_path / "model.ckpt", tensors)
    whole = path.read_bytes()
    for position in range(0, len(whole) - 48, 7):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        try:
            read = read_checkpoint(tmp_path / "model.ckpt")
        except InputError as error:
            refusal = str(error)
            assert "not a TensorFlow checkpoint" in refusal
        else:  # the byte belongs to the meta index, which is not read
            assert read.keys() == tensors.keys()


@pytest.mark.parametrize("length", [0, 10, 47, 60, -1])
def test_a_truncated_index_is_refused(tmp_path, tensors, length):
    path = write_bundle(tmp_path / "model.ckpt", tensors)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(InputError, match="not a TensorFlow checkpoint"):
        read_checkpoint(tmp_path / "model.ckpt")


def test_truncated_data_is_refused(tmp_path, tensors):
    write_bundle(tmp_path / "model.ckpt", tensors)
    data = tmp_path / "model.ckpt.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-1])
    with pytest.raises(InputError, match="has 7 bytes"):
        read_checkpoint(tmp_path / "model.ckpt")


def test_what_is_not_read_is_said(tmp_path, tensors):
    write_bundle(tmp_path / "model.ckpt", tensors, compression=1)
    with pytest.raises(InputError, match="compressed index"):
        read_checkpoint(tmp_path / "model.ckpt")


def test_a_missing_file_is_named(tmp_path, tensors):
    with pytest.raises(InputError, match=r"model\.ckpt\.index.*No such file"):
        read_checkpoint(tmp_path / "model.ckpt")
    write_bundle(tmp_path / "model.ckpt", tensors, shards=2)
    (tmp_path / "model.ckpt.data-00001-of-00002").unlink()
    with pytest.raises(InputError, match="data-00001-of-00002"):
        read_checkpoint(tmp_path / "model.ckpt")
