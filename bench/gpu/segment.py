"""PyTorch's side of Segment Anything on a GPU. Argument: the JSON of SegmentTask (settings.ts)."""
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch

from timing import compute_in_fp32, repeat

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "peers"))
from sam import Sam  # noqa: E402
from weights import read_safetensors  # noqa: E402

AT_ONCE = 64
task = json.loads(sys.argv[1])
device = torch.device(task["device"])
compute_in_fp32()
start = time.perf_counter()
tensors = {name: tensor.to(device) for name, tensor in read_safetensors(task["weights"]).items()}
sam = Sam(tensors, task["decoderHeads"])
load_s = time.perf_counter() - start
side, count = task["imageSize"], task["points"]
rgb = torch.from_numpy(np.fromfile(task["pixels"], np.uint8)[: side * side * 3].reshape(side, side, 3))
columns = math.ceil(math.sqrt(count))
places = [((p % columns + 0.5) / columns * side, (p // columns + 0.5) / columns * side) for p in range(count)]
points = torch.tensor(places, dtype=torch.float32)


@torch.no_grad()
def embed():
    # Our side keeps embeddings in the memory of the host, from where it can save them.
    return sam.embed(rgb.to(device)).cpu()


@torch.no_grad()
def decode(embedding, some):
    logits, qualities = sam.decode(embedding.to(device), some.to(device))
    return logits.cpu(), qualities.cpu()


def decode_all():
    for at in range(0, count, AT_ONCE):
        decode(embedding, points[at : at + AT_ONCE])


start = time.perf_counter()
embedding = embed()
first_s = time.perf_counter() - start
decode(embedding, points[:AT_ONCE])[0].numpy().tofile(f"{task['features']}.eager")
eager = {
    "first_s": first_s,
    "images_per_s": 1 / repeat(task["seconds"], embed),
    "points_per_s": count / repeat(task["seconds"], decode_all),
}
print(json.dumps({"load_s": load_s, "torch": torch.__version__, "eager": eager}))
