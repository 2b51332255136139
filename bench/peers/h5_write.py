"""
Peer: the same bag of features and coords with h5py, also durable (fsync, rename). Prints MB per second. With
a fourth argument `look` it first checks for values that are not finite, as our side always does.
"""
import json
import os
import shutil
import sys
import tempfile
import time

import h5py
import numpy as np

rows, dim, rounds = (int(text) for text in sys.argv[1:4])
look = sys.argv[4:] == ["look"]
features = ((np.arange(rows * dim) % 997) / 997).astype(np.float32).reshape(rows, dim)
coords = np.arange(rows * 2, dtype=np.int32).reshape(rows, 2)
folder = tempfile.mkdtemp(prefix="h5-peer-")
path = os.path.join(folder, "bag.h5")


def sync(name):
    descriptor = os.open(name, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def write():
    if look and not np.isfinite(features).all():
        raise ValueError("the features are not finite")
    with h5py.File(path + ".partial", "w") as file:
        file.create_dataset("features", data=features)
        file.create_dataset("coords", data=coords.astype(np.int64))
    sync(path + ".partial")
    os.replace(path + ".partial", path)
    sync(folder)


for _ in range(3):
    write()
started, cpu = time.perf_counter(), time.process_time()
for _ in range(rounds):
    write()
seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
shutil.rmtree(folder)
megabytes = rounds * (features.nbytes + rows * 16) / 1e6
print(json.dumps({"value": megabytes / seconds, "cpu": megabytes / cpu}))
