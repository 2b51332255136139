"""Builds the networks of the encoder contests with the weights that our side wrote."""
import json

import numpy as np
import torch

from resnet50 import ThreeStages
from vit import SHAPES, Vit


def read_safetensors(path):
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        data = memoryview(bytearray(file.read()))
    return {
        name: torch.from_numpy(np.frombuffer(data[entry["data_offsets"][0] : entry["data_offsets"][1]], np.float32).reshape(entry["shape"]))
        for name, entry in header.items()
        if name != "__metadata__"
    }


def load_network(name, path):
    with torch.device("meta"):
        model = Vit(name) if name in SHAPES else ThreeStages()
    missing, unexpected = model.load_state_dict(read_safetensors(path), strict=False, assign=True)
    counters = [name for name in missing if name.endswith("num_batches_tracked")]
    assert not unexpected and counters == missing, (missing, unexpected)
    for module in model.modules():
        if hasattr(module, "num_batches_tracked"):
            module.num_batches_tracked = torch.zeros((), dtype=torch.int64)
    return model.eval()
