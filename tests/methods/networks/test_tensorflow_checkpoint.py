"""The reader against a bundle written byte by byte, from the format's description."""

import numpy as np
import pytest
from support.tensorflow_bundle import write_bundle

from text2pixels.errors import InputError
from text2pixels.methods.networks.tensorflow_checkpoint import masked_crc32c, read_checkpoint


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


@pytest.mark.parametrize("position", [0, 100, -1])
def test_data_of_another_index_are_refused(tmp_path, tensors, position):
    write_bundle(tmp_path / "model.ckpt", tensors)
    path = tmp_path / "model.ckpt.data-00000-of-00001"
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"data of .* are damaged, or of another checkpoint"):
        read_checkpoint(tmp_path / "model.ckpt")


def test_only_what_is_wanted_is_read(tmp_path, tensors):
    write_bundle(tmp_path / "model.ckpt", tensors)
    path = tmp_path / "model.ckpt.data-00000-of-00001"
    path.write_bytes(path.read_bytes()[:-8] + bytes(8))  # the last tensor, `step`, is broken
    read = read_checkpoint(tmp_path / "model.ckpt", wanted=lambda name: name.startswith("layer1/"))
    assert read.keys() == {"layer1/kernel", "layer1/bias"}


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
