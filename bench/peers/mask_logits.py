"""
Peer: low-resolution logits to run lengths, area, box and stability at 1024 x 1024 in PyTorch, in batches with
all threads. Prints masks per second.

Arguments: masks, threads.
"""
import json
import sys
import time

import torch
from torch.nn import functional

masks, threads = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
SIDE, IMAGE = 256, 1024


def blob(mask):
    def share(quality):
        return ((mask * 7919 + quality * 104729 + 13) % 1009) / 1009

    x, y, radius = share(0) * SIDE, share(1) * SIDE, SIDE * (0.02 + 0.4 * share(2) ** 2)
    at = torch.arange(SIDE, dtype=torch.float64)
    dx, dy = (at - x)[None, :], (at - y)[:, None]
    return 2 * (radius - (dx * dx + dy * dy).sqrt()) + 3 * torch.sin(dx / 3) * torch.sin(dy / 5)


def boxes_of(mask):
    rows, columns = mask.any(2), mask.any(1)
    at = torch.arange(IMAGE)
    top = torch.where(rows, at, IMAGE).amin(1)
    bottom = torch.where(rows, at, -1).amax(1)
    left = torch.where(columns, at, IMAGE).amin(1)
    right = torch.where(columns, at, -1).amax(1)
    return torch.stack([left, top, right, bottom], 1)


def run_lengths(mask):
    flat = mask.permute(0, 2, 1).flatten(1)
    change = (flat[:, 1:] ^ flat[:, :-1]).nonzero()
    for index in range(len(flat)):
        edges = change[change[:, 0] == index, 1] + 1
        edges = torch.cat([torch.zeros(1, dtype=edges.dtype), edges, torch.full((1,), flat.shape[1])])
        counts = (edges[1:] - edges[:-1]).tolist()
        yield counts if not flat[index, 0] else [0, *counts]


low = torch.stack([blob(mask) for mask in range(masks)]).to(torch.float32)[:, None]
runs = pixels = 0
start = time.perf_counter()
with torch.inference_mode():
    for batch in low.split(32):
        square = functional.interpolate(batch, (IMAGE, IMAGE), mode="bilinear", align_corners=False)
        logits = functional.interpolate(square, (IMAGE, IMAGE), mode="bilinear", align_corners=False)[:, 0]
        stability = (logits > 1).sum((1, 2)) / (logits > -1).sum((1, 2))
        mask = logits > 0
        boxes = boxes_of(mask)
        for counts in run_lengths(mask):
            runs += len(counts)
            pixels += sum(counts[1::2])
print(json.dumps({"value": masks / (time.perf_counter() - start), "runs": runs, "pixels": pixels}))
