"""
Peer: tissue segmentation and patching with Python's OpenCV, preset bwh_biopsy, in slides per second. The same
steps, and the files that CLAM writes: coords h5, mask jpg, stitch jpg. (Our side also writes mask h5, stitch
h5 and GeoJSON, and syncs each file to disk.)
"""
import json
import os
import sys
import tempfile
import time

import cv2
import h5py
import numpy as np
import openslide

path, patch, passes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def tissue_contours(slide, level):
    image = np.array(slide.read_region((0, 0), level, slide.level_dimensions[level]).convert("RGB"))
    saturation = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)[:, :, 1]
    blurred = cv2.medianBlur(saturation, 11)
    _, mask = cv2.threshold(blurred, 15, 255, cv2.THRESH_BINARY)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((2, 2), np.uint8))
    contours, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    reference = 512 * 512
    kept = []
    for index, (_, _, first_child, parent) in enumerate(hierarchy[0]):
        if parent != -1:
            continue
        holes, child = [], first_child
        while child != -1:
            holes.append(contours[child])
            child = hierarchy[0][child][0]
        area = cv2.contourArea(contours[index]) - sum(cv2.contourArea(hole) for hole in holes)
        if area > 1 * reference:
            largest = sorted(holes, key=cv2.contourArea, reverse=True)[:2]
            kept.append((contours[index], [hole for hole in largest if cv2.contourArea(hole) > 1 * reference]))
    return image, mask, kept


def patch_coords(kept):
    coords = []
    shift = int(patch // 2 * 0.5)
    for contour, holes in kept:
        left, top, width, height = cv2.boundingRect(contour)
        for y in range(top, top + height, patch):
            for x in range(left, left + width, patch):
                centre = (x + patch // 2, y + patch // 2)
                points = [(centre[0] + dx, centre[1] + dy) for dx in (-shift, shift) for dy in (-shift, shift)]
                inside = any(cv2.pointPolygonTest(contour, (float(px), float(py)), False) >= 0 for px, py in points)
                hole = any(cv2.pointPolygonTest(h, (x + patch / 2, y + patch / 2), False) > 0 for h in holes)
                if inside and not hole:
                    coords.append((x, y))
    return np.array(coords, np.int64)


start = time.perf_counter()
with tempfile.TemporaryDirectory() as folder:
    for _ in range(max(1, passes)):
        slide = openslide.OpenSlide(path)
        image, mask, kept = tissue_contours(slide, 0)
        coords = patch_coords(kept)
        with h5py.File(os.path.join(folder, "patches.h5"), "w") as file:
            file.create_dataset("coords", data=coords)
        overlay = image.copy()
        cv2.drawContours(overlay, [contour for contour, _ in kept], -1, (0, 255, 0), 10)
        cv2.imwrite(os.path.join(folder, "mask.jpg"), overlay)
        stitch = np.zeros((image.shape[0] // 64 + 1, image.shape[1] // 64 + 1, 3), np.uint8)
        for x, y in coords:
            tile = np.array(slide.read_region((int(x), int(y)), 0, (patch, patch)).convert("RGB"))
            small = cv2.resize(tile, (patch // 64, patch // 64))
            h = min(small.shape[0], stitch.shape[0] - y // 64)
            w = min(small.shape[1], stitch.shape[1] - x // 64)
            stitch[y // 64 : y // 64 + h, x // 64 : x // 64 + w] = small[:h, :w]
        cv2.imwrite(os.path.join(folder, "stitch.jpg"), stitch)
        slide.close()
print(json.dumps({"value": passes / (time.perf_counter() - start), "patches": len(coords)}))
