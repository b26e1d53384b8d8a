import resource

import h5py
import numpy as np
import pytest

from elmo.formats.containers.hdf5 import write_arrays

ARRAYS = {f"a/{k}": np.full((100, 100), k, np.float32) for k in range(10)}


@pytest.mark.parametrize("largest", [0, 1_000, 45_000, 200_000])
def test_a_full_disk_is_an_error_and_leaves_hdf5_whole(tmp_path, largest):
    """HDF5 counts the identifiers that it could not close; none may stay behind."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_arrays(tmp_path / "a.hdf5", ARRAYS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    kinds = h5py.h5f.OBJ_FILE | h5py.h5f.OBJ_GROUP | h5py.h5f.OBJ_DATASET
    assert h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, kinds) == 0
    write_arrays(tmp_path / "a.hdf5", ARRAYS)
    with h5py.File(tmp_path / "a.hdf5") as file:
        assert {name: int(file[name][0, 0]) for name in ARRAYS} == {f"a/{k}": k for k in range(10)}
