"""PyTorch's side of an encoder on a GPU. Argument: the JSON of EncodeTask (settings.ts). Prints one line of
JSON: per mode, seconds of loading and of the first time, patches per second."""
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from timing import compute_in_fp32, repeat

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "peers"))
from weights import load_network  # noqa: E402

SIDE = 224
task = json.loads(sys.argv[1])
device = torch.device(task["device"])
half = task["precision"] == "fp16"
dtype = torch.float16 if half else torch.float32
compute_in_fp32()
MEAN = torch.tensor([0.485, 0.456, 0.406], device=device).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225], device=device).view(3, 1, 1)

start = time.perf_counter()
network = load_network(task["network"], task["weights"]).to(device=device, dtype=dtype)
load_s = time.perf_counter() - start
pixels = torch.from_numpy(np.fromfile(task["pixels"], np.uint8).reshape(-1, SIDE, SIDE, 3))
if device.type == "cuda":
    pixels = pixels.pin_memory()


@torch.no_grad()
def encode(model, batch):
    images = batch.to(device, non_blocking=True).permute(0, 3, 1, 2).float().div(255)
    return model(((images - MEAN) / STD).to(dtype)).float().cpu()


def measure(mode):
    model = network if mode == "eager" else torch.compile(network)
    start = time.perf_counter()
    features = encode(model, pixels[: task["batch"]])
    first_s = time.perf_counter() - start
    features.numpy().tofile(f"{task['features']}.{mode}")

    def encode_all():
        for at in range(0, task["patches"], task["batch"]):
            encode(model, pixels[at : at + task["batch"]])

    seconds = repeat(task["seconds"], encode_all)
    return {"first_s": first_s, "patches_per_s": task["patches"] / seconds}


results = {"load_s": load_s, "torch": torch.__version__}
for mode in task["modes"]:
    try:
        results[mode] = measure(mode)
    except Exception as error:  # torch.compile needs a compiler that the machine may lack
        results[mode] = {"error": str(error)[-400:]}
    # Whoever cuts this process keeps what was printed.
    print(json.dumps(results), flush=True)
