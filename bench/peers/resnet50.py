"""Peer: ResNet-50 up to its third stage in PyTorch, eager; openslide-python reads, Pillow resizes.
Prints patches per second.
Arguments: slide, weights (.safetensors), patch size, patches, threads."""
import json
import math
import sys
import time

import numpy as np
import openslide
import torch
from PIL import Image
from torch import nn

BATCH = 32


class Bottleneck(nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or channels != 4 * width:
            self.downsample = nn.Sequential(nn.Conv2d(channels, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        return self.relu(self.bn3(self.conv3(y)) + shortcut)


class ThreeStages(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = 64
        for stage, (blocks, width) in enumerate([(3, 64), (4, 128), (6, 256)]):
            layers = []
            for block in range(blocks):
                layers.append(Bottleneck(channels, width, 2 if stage > 0 and block == 0 else 1))
                channels = 4 * width
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.layer3(self.layer2(self.layer1(x))).mean((2, 3))


def read_safetensors(path):
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        data = file.read()
    return {
        name: torch.from_numpy(np.frombuffer(data[entry["data_offsets"][0] : entry["data_offsets"][1]], np.float32).reshape(entry["shape"]).copy())
        for name, entry in header.items()
        if name != "__metadata__"
    }


path, weights = sys.argv[1:3]
size, count, threads = map(int, sys.argv[3:6])
torch.set_num_threads(threads)
model = ThreeStages()
missing, unexpected = model.load_state_dict(read_safetensors(weights), strict=False)
assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), (missing, unexpected)
model.eval()
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


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
start = time.perf_counter()
features = extract(grid(count))
seconds = time.perf_counter() - start
print(json.dumps({"value": count / seconds, "mean_feature": f"{features.mean(dtype=np.float64):.6g}"}))
