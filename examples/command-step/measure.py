"""Measures how much the features of a slide vary. Needs only Python itself."""

import array
import json
import statistics
import sys
import zipfile

bag, dim, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]

# A .pt file is a zip archive. Its only tensor is float32, one row per patch.
with zipfile.ZipFile(bag) as archive:
    [data] = [name for name in archive.namelist() if name.endswith("/data/0")]
    values = array.array("f", archive.read(data))
if sys.byteorder == "big":
    values.byteswap()

patches = len(values) // dim
columns = [values[column::dim] for column in range(dim)]
spread = statistics.fmean(statistics.pstdev(column) for column in columns)
with open(out, "w") as file:
    json.dump({"patches": patches, "spread": spread}, file)
print(f"{patches} patches, spread {spread:.4f}")
