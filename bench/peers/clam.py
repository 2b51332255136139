"""
Peer: CLAM's own script on one slide, preset bwh_biopsy, in this process. SAM_MIL_CLAM names the checkout
(github.com/mahmoodlab/CLAM; GPL, so it is run, never copied). Prints slides per second, excluding imports;
the contest that times the whole process includes them. Arguments: slide, patch size.
"""
import json
import os
import runpy
import sys
import tempfile
import time

path, size = os.path.abspath(sys.argv[1]), sys.argv[2]
clam = os.environ["SAM_MIL_CLAM"]
os.chdir(clam)
sys.path.insert(0, clam)
with tempfile.TemporaryDirectory() as folder:
    source = os.path.join(folder, "slides")
    os.mkdir(source)
    os.symlink(path, os.path.join(source, os.path.basename(path)))
    sys.argv = ["create_patches_fp.py", "--source", source, "--save_dir", os.path.join(folder, "out"), "--patch_size", size]
    sys.argv += ["--preset", "bwh_biopsy.csv", "--seg", "--patch", "--stitch"]
    import wsi_core.WholeSlideImage  # noqa: F401  (imports are not timed)

    start = time.perf_counter()
    stdout, sys.stdout = sys.stdout, sys.stderr
    runpy.run_path(os.path.join(clam, "create_patches_fp.py"), run_name="__main__")
    sys.stdout = stdout
    print(json.dumps({"value": 1 / (time.perf_counter() - start)}))
