"""Writes the slides whose features vary enough, most varied first."""

import argparse
import csv
import json
import sys

parser = argparse.ArgumentParser()
parser.add_argument("items", help="file with one JSON object per slide")
parser.add_argument("table", help="CSV file to write")
parser.add_argument("--least-spread", type=float, required=True)
arguments = parser.parse_args()

rows = []
with open(arguments.items) as file:
    for line in file:
        slide = json.loads(line)
        if slide["status"] != "done":
            continue
        with open(slide["outputs"]["measures"]) as measures:
            row = json.load(measures)
        fields = slide["fields"]
        rows.append({"slide_id": slide["key"], "path": fields["path"], "label": fields["label"], **row})

selected = [row for row in rows if row["spread"] >= arguments.least_spread]
selected.sort(key=lambda row: -row["spread"])
print(f"{len(selected)} of {len(rows)} slides selected")
if not selected:
    print(f"no slide has a spread of at least {arguments.least_spread}", file=sys.stderr)
    sys.exit(65)  # wrong data: the step is not retried
with open(arguments.table, "w", newline="") as file:
    writer = csv.DictWriter(file, ["slide_id", "path", "label", "patches", "spread"])
    writer.writeheader()
    writer.writerows(selected)
