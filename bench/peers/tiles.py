"""Peer: every 256 px tile of a slide, RGB, through openslide-python, in tiles per second."""
import json
import sys
import time

import openslide

path, size, passes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
slide = openslide.OpenSlide(path)
width, height = slide.dimensions
grid = [(x, y) for y in range(0, height - size + 1, size) for x in range(0, width - size + 1, size)]
start = time.perf_counter()
count = 0
for _ in range(passes):
    # A new handle per pass, so that every tile is decoded and none comes from the cache.
    slide = openslide.OpenSlide(path)
    for x, y in grid:
        slide.read_region((x, y), 0, (size, size)).convert("RGB")
        count += 1
    slide.close()
print(json.dumps({"value": count / (time.perf_counter() - start)}))
