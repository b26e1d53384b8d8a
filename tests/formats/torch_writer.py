"""Writes PyTorch state dicts in both containers with `pickle`, for tests without PyTorch."""

import collections
import io
import pickle
import struct
import sys
import types
import zipfile

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C


class FloatStorage:
    """Stands for `torch.FloatStorage` while it is pickled."""


class DoubleStorage:
    """Stands for `torch.DoubleStorage`."""


def _rebuild_tensor_v2(*_):
    """Stands for PyTorch's function."""


class _Values:
    def __init__(self, key, length, device, kind):
        self.identity = ("storage", kind, key, device, length)


class _Tensor:
    def __init__(self, values, offset, shape, strides):
        self.arguments = (values, offset, shape, strides, False, collections.OrderedDict())

    def __reduce__(self):
        return _rebuild_tensor_v2, self.arguments


def _pickled(value, legacy, protocol):
    """`value` pickled while modules named as PyTorch's hold the names."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch._utils, utils._rebuild_tensor_v2 = utils, _rebuild_tensor_v2
    torch.FloatStorage, torch.DoubleStorage = FloatStorage, DoubleStorage
    names = [
        (FloatStorage, "torch"),
        (DoubleStorage, "torch"),
        (_rebuild_tensor_v2, "torch._utils"),
    ]
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    modules = [thing.__module__ for thing, _ in names]

    class Pickler(pickle._Pickler):
        def persistent_id(self, item):
            if not isinstance(item, _Values):
                return None
            return (*item.identity, None) if legacy else item.identity

    out = io.BytesIO()
    try:
        sys.modules |= {"torch": torch, "torch._utils": utils}
        for thing, module in names:
            thing.__module__ = module
        Pickler(out, protocol).dump(value)
    finally:
        for (thing, _), module in zip(names, modules, strict=True):
            thing.__module__ = module
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
    return out.getvalue()


def state_dict(arrays, device="cpu", kind=FloatStorage, shared=()):
    """An OrderedDict as PyTorch's modules give it, and the values of its storages.

    A name in `shared` is stored column-major behind three other values, as a view is.
    """
    tensors, storages = collections.OrderedDict(), {}
    for number, (name, array) in enumerate(arrays.items()):
        array = np.asarray(array, np.float32)
        if name in shared:
            flat = np.concatenate([np.zeros(3, np.float32), array.T.ravel()])
            strides, offset = tuple(np.cumprod([1, *array.shape[:-1]]).tolist()), 3
        else:
            flat, offset = array.ravel(), 0
            strides = tuple(stride // 4 for stride in array.copy(order="C").strides)
        storages[str(number)] = flat
        values = _Values(str(number), len(flat), device, kind)
        tensors[name] = _Tensor(values, offset, array.shape, strides)
    tensors._metadata = collections.OrderedDict({"": {"version": 1}, "layer": {"version": 1}})
    return tensors, storages


def write_zip(path, tensors, storages, byteorder=b"little", protocol=2, compress=False):
    kind = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as archive:
        archive.writestr("archive/data.pkl", _pickled(tensors, False, protocol))
        if byteorder:
            archive.writestr("archive/byteorder", byteorder)
        for key, values in storages.items():
            archive.writestr(f"archive/data/{key}", values.tobytes())
        archive.writestr("archive/version", b"3\n")


def write_plain(path, tensors, storages, protocol=2, little=True):
    facts = {"protocol_version": 1001, "little_endian": little, "type_sizes": {"int": 4}}
    with open(path, "wb") as file:
        for value in (MAGIC, 1001, facts):
            file.write(pickle.dumps(value, protocol))
        file.write(_pickled(tensors, True, protocol))
        file.write(pickle.dumps(sorted(storages), protocol))
        for key in sorted(storages):
            file.write(struct.pack("<q", len(storages[key])) + storages[key].tobytes())


WRITERS = {"zip": write_zip, "plain": write_plain}
