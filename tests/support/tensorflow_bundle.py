"""TensorFlow checkpoints, written byte by byte from the format's description."""

import struct

from text2pixels.methods.networks.tensorflow_checkpoint import masked_crc32c

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
