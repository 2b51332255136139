"""Peer: an encoder in PyTorch, eager; openslide-python reads, Pillow resizes. Prints patches per second.
Arguments: slide, network (resnet50 or a name of vit.SHAPES), weights (.safetensors), patch size, patches,
threads."""
import json
import math
import sys
import time

import numpy as np
import openslide
import torch
from PIL import Image

from weights import load_network

BATCH = 32
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)

path, name, weights = sys.argv[1:4]
size, count, threads = map(int, sys.argv[4:7])
torch.set_num_threads(threads)
model = load_network(name, weights)


def grid(count):
    columns = math.ceil(math.sqrt(count))
    width, height = openslide.OpenSlide(path).dimensions
    return [((p % columns) * (width - size) // columns, (p // columns) * (height - size) // columns) for p in range(count)]


@torch.no_grad()
def extract(places):
    slide = openslide.OpenSlide(path)
    features = []
    for start in range(0, len(places), BATCH):
        images = []
        for place in places[start : start + BATCH]:
            image = slide.read_region(place, 0, (size, size)).convert("RGB").resize((224, 224), Image.BILINEAR)
            images.append((torch.from_numpy(np.array(image)).permute(2, 0, 1).float().div(255) - MEAN) / STD)
        features.append(model(torch.stack(images)))
    return torch.cat(features).numpy()


extract(grid(8))
start, before = time.perf_counter(), time.process_time()
features = extract(grid(count))
seconds, cpu = time.perf_counter() - start, time.process_time() - before
print(json.dumps({"value": count / seconds, "cpu_s_per_patch": cpu / count, "mean_feature": f"{features.mean(dtype=np.float64):.6g}"}))
