"""PyTorch's state dicts: both containers, and nothing that a pickle asks for is ever run."""

import collections
import io
import os
import pickle
import pickletools
import struct
import warnings
import zipfile

import numpy as np
import pytest

from elmo.formats.containers.torch_pickle import read_state_dict
from elmo.system.errors import FormatError
from tests.formats.torch_writer import WRITERS, DoubleStorage, state_dict, write_plain, write_zip

ARRAYS = {
    "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a.bias": np.float32(7),
    "view": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "empty": np.zeros((0, 4), np.float32),
}


@pytest.fixture(params=WRITERS)
def write(request):
    return WRITERS[request.param]


def loaded(path):
    return {name: stored.load() for name, stored in read_state_dict(path).items()}


def assert_arrays(actual, expected):
    assert list(actual) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(actual[name], array, strict=True)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_round_trip(tmp_path, write, protocol):
    path = tmp_path / "x.pkl"
    write(path, *state_dict(ARRAYS, "cuda:3", shared=["view"]), protocol=protocol)
    assert_arrays(loaded(path), ARRAYS)


def test_what_pytorch_writes(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch = pytest.importorskip("torch")
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in ARRAYS.items()}
    tensors["view"] = tensors["view"].permute(2, 1, 0).contiguous().permute(2, 1, 0)
    assert tensors["view"].stride() != (12, 4, 1)
    both = torch.arange(10, dtype=torch.float32)
    tensors |= {"first": both[:4], "second": both[4:]}
    expected = {name: tensor.numpy() for name, tensor in tensors.items()}
    tensors = collections.OrderedDict(tensors)
    for is_zip in (True, False):
        path = tmp_path / f"{is_zip}.pkl"
        torch.save(tensors, path, _use_new_zipfile_serialization=is_zip)
        assert_arrays(loaded(path), expected)
    module = torch.nn.LSTM(3, 4)
    torch.save(module.state_dict(), path)
    assert_arrays(loaded(path), {n: t.numpy() for n, t in module.state_dict().items()})


def test_fixture_is_the_same_in_both_containers(data_folder):
    folder = data_folder("manylangs-fixture")
    for name in ("token_embedder.pkl", "encoder.pkl"):
        assert_arrays(loaded(folder / "model-zip" / name), loaded(folder / "model" / name))


# Hostile pickles

RAN = []


def payload():
    RAN.append(1)


class Hostile:
    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


def bare(opcodes):
    """A pickle of protocol 2 out of opcodes."""
    return b"\x80\x02" + opcodes + b"."


HOSTILE = {
    "a call": pickle.dumps(Hostile(payload, ()), 2),
    "a command": pickle.dumps(Hostile(os.system, ("true",)), 2),
    "a command by protocol 4": pickle.dumps(Hostile(os.system, ("true",)), 4),
    "eval": pickle.dumps(Hostile(eval, ("1",)), 2),
    "an instance": bare(b"(ios\nsystem\n"),
    "an object": bare(b"(cos\nsystem\no"),
    "a new object": bare(b"ccollections\nOrderedDict\n)\x81"),
    "a type's attribute": bare(b"ccollections\nOrderedDict.__init__\n)R"),
    "an extension": bare(b"\x82\x01"),
    "a call of a storage": bare(b"ctorch\nFloatStorage\n)R"),
    "a call of a dict": bare(b"}(R"),
    "a state for a function": bare(b"ctorch._utils\n_rebuild_tensor_v2\n}b"),
    "text as persistent id": b"Pstorage\n.",
    "a persistent id of another kind": bare(b"X\x01\x00\x00\x00aQ"),
    "a huge memo": bare(b"]r\xff\xff\xff\xff"),
    "a huge byte array": b"\x80\x05\x96" + b"\xff" * 7 + b"\x7f.",
    "a huge text": bare(b"X\xff\xff\xff\xff"),
    "a missing memo": bare(b"h\x05"),
    "an empty stack": bare(b"0"),
    "a mark": bare(b"("),
    "nothing": bare(b""),
    "no end": b"\x80\x02}",
    "no opcode": b"\xff\xff\xff",
    "a key that is a tuple": bare(b"}))s"),
    "a key that is a list": bare(b"}])s"),
    "a list": pickle.dumps([1, 2], 2),
    "a nested dict": pickle.dumps({"a": {}}, 2),
    "a number": pickle.dumps(3, 2),
    "nested tuples": bare(b")" + b"\x85" * 100_000),
    "doubling tuples": bare(b")" + b"q\x00h\x00\x86" * 200),
    "doubling tuples as a key": bare(b"})" + b"q\x00h\x00\x86" * 200 + b"Ns"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("container", ["zip", "plain", "bare"])
def test_hostile_pickles(tmp_path, name, container):
    path = tmp_path / "x.pkl"
    if container == "bare":
        path.write_bytes(HOSTILE[name])
    elif container == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", HOSTILE[name])
    else:
        write_plain(path, {}, {})
        content = path.read_bytes()
        end = content.index(pickle.dumps([], 2))
        start = content.rindex(b"\x80\x02", 0, end)
        path.write_bytes(content[:start] + HOSTILE[name] + content[end:])
    with pytest.raises(FormatError, match=r"x.pkl: "):
        read_state_dict(path)
    assert not RAN


def altered(tensors, storages, old, new, path, writer):
    """The container with every `old` in its pickles replaced."""
    writer(path, tensors, storages)
    if writer is write_plain:
        path.write_bytes(path.read_bytes().replace(old, new))
        return
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data.replace(old, new) if name.endswith(".pkl") else data)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"torch\nFloatStorage", b"os\nsystem", "asks for 'os.system'"),
        (b"_rebuild_tensor_v2", b"_rebuild_parameter", "asks for"),
        (b"K\x02K\x03\x86", b"K\x02K\x04\x86", "beyond its storage"),
        (b"K\x03K\x01\x86", b"K\x04K\x01\x86", "beyond its storage"),
        (b"K\x02K\x03\x86", b"J\xff\xff\xff\xffK\x03\x86", "makes no sense"),
        (b"K\x02K\x03\x86", b"\x8a\x08" + b"\xff" * 7 + b"\x7fK\x00\x86", "makes no sense"),
        (b"K\x02K\x03\x86", b"K\x02\x85", "makes no sense"),
        (b"K\x03K\x01\x86", b"K\x00K\x00\x86", None),
        (b"K\x06", b"K\x07", "not all there"),
        (b"K\x06", b"J\xfe\xff\xff\xff", "described in another way"),
    ],
)
def test_tensors_that_make_no_sense(tmp_path, write, old, new, message):
    path = tmp_path / "x.pkl"
    arrays = {"a": np.arange(1, 7, dtype=np.float32).reshape(2, 3)}
    altered(*state_dict(arrays), old, new, path, write)
    if message is None:
        np.testing.assert_array_equal(loaded(path)["a"], np.ones((2, 3), np.float32))
        return
    with pytest.raises(FormatError, match=message):
        loaded(path)


def test_a_shape_far_larger_than_its_values(tmp_path, write):
    tensors, storages = state_dict({"a": np.zeros(1)})
    values, *_ = tensors["a"].arguments
    tensors["a"].arguments = (values, 0, (10**6, 10**6), (0, 0), False, {})
    write(tmp_path / "x.pkl", tensors, storages)
    with pytest.raises(FormatError, match="beyond its storage"):
        read_state_dict(tmp_path / "x.pkl")


def test_other_types_and_machines(tmp_path, write):
    path = tmp_path / "x.pkl"
    write(path, *state_dict(ARRAYS, kind=DoubleStorage))
    with pytest.raises(FormatError, match=r"asks for 'torch.DoubleStorage'"):
        read_state_dict(path)
    write_plain(path, *state_dict(ARRAYS), little=False)
    with pytest.raises(FormatError, match="big-endian"):
        read_state_dict(path)
    write_zip(path, *state_dict(ARRAYS), byteorder=b"big")
    with pytest.raises(FormatError, match="big-endian"):
        read_state_dict(path)


def test_cut_files(tmp_path, write):
    path = tmp_path / "x.pkl"
    write(path, *state_dict(ARRAYS))
    content = path.read_bytes()
    for length in (0, 1, 10, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(FormatError):
            loaded(path)
    path.unlink()
    with pytest.raises(FormatError, match="cannot be read"):
        read_state_dict(path)


def test_bytes_left_over(tmp_path):
    path = tmp_path / "x.pkl"
    write_plain(path, *state_dict(ARRAYS))
    with open(path, "ab") as file:
        file.write(b"more")
    with pytest.raises(FormatError, match="left over"):
        read_state_dict(path)


def test_zip_of_compressed_values(tmp_path):
    path = tmp_path / "x.pkl"
    write_zip(path, *state_dict({"a": np.zeros(10_000)}), compress=True)
    with pytest.raises(FormatError, match="compressed"):
        read_state_dict(path)


def test_a_storage_longer_than_the_file(tmp_path):
    path = tmp_path / "x.pkl"
    write_plain(path, *state_dict({"a": np.zeros(3)}))
    content = path.read_bytes()
    path.write_bytes(content[:-20] + struct.pack("<q", 1 << 60) + content[-12:])
    with pytest.raises(FormatError, match="cut"):
        read_state_dict(path)


def test_the_writers_use_only_three_names(tmp_path):
    write_zip(tmp_path / "x.pkl", *state_dict(ARRAYS))
    with zipfile.ZipFile(tmp_path / "x.pkl") as archive:
        data = io.BytesIO(archive.read("archive/data.pkl"))
    names = {arg for opcode, arg, _ in pickletools.genops(data) if opcode.name == "GLOBAL"}
    assert names == {
        "collections OrderedDict",
        "torch._utils _rebuild_tensor_v2",
        "torch FloatStorage",
    }
