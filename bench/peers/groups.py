"""
Peer: groups as a plain loop over all pairs of mask and patch, with numpy for a window's pixels and for the
means. Prints pairs per second.

Arguments: patches, masks, length of a feature vector, number of masks that are timed (every n-th, so that
they include small and large ones), and method. `numpy`: coordinates are converted to image pixels pair by
pair in numpy, as in SAM-MIL's script. `hoisted`: they are converted once, to Python integers.
"""
import json
import math
import sys
import time

import numpy as np

patches, masks, dim, timed = (int(value) for value in sys.argv[1:5])
hoisted = sys.argv[5] == "hoisted"
PATCH = 512
across = math.ceil(math.sqrt(patches))
coords = np.array([(PATCH * (i % across), PATCH * (i // across)) for i in range(patches)])
downsample = 2 ** math.ceil(math.log2(across * PATCH / 1024))
side = across * PATCH // downsample


def share(mask, quality):
    return ((mask * 7919 + quality * 104729 + 13) % 1009) / 1009


def ellipse(index):
    x, y = share(index, 0) * side, share(index, 1) * side
    rx, ry = (side * (0.01 + 0.25 * share(index, quality) ** 3) for quality in (2, 3))
    v, u = np.mgrid[0:side, 0:side]
    a, b = (u - x) / rx, (v - y) / ry
    mask = a * a + b * b <= 1
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows) == 0:
        return mask, (0, 0, 0, 0)
    return mask, (int(columns[0]), int(rows[0]), int(columns[-1] - columns[0]), int(rows[-1] - rows[0]))


features = (np.arange(patches * dim, dtype=np.int64) % (1000 * dim) % 7).astype(np.float32).reshape(patches, dim)
chosen = [ellipse(index) for index in range(0, masks, max(1, masks // timed))][:timed]

start = time.perf_counter()
window = max(1, PATCH // downsample)
corners = np.round(coords / downsample).astype(int).tolist() if hoisted else None
origin = np.array([0, 0])
relative_area = np.full(patches, np.inf)
memberships, group_features = 0, []
for mask, (left, top, width, height) in chosen:
    members = []
    for row in range(patches):
        x, y = corners[row] if hoisted else np.round((coords[row] - origin) / downsample).astype(int)
        if left <= x < left + width and top <= y < top + height:
            if mask[y : y + window, x : x + window].any():
                members.append(row)
    if members:
        relative_area[members] = np.minimum(relative_area[members], mask.sum())
        group_features.append(features[members].mean(axis=0))
    memberships += len(members)
value = len(chosen) * patches / (time.perf_counter() - start)
print(json.dumps({"value": value, "memberships": memberships, "groups": len(group_features)}))
