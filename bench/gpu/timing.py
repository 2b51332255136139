"""What the PyTorch sides of the benchmark on a GPU share."""
import time

import torch


def compute_in_fp32():
    """Both sides compute fp32 without TF32; the driver sets NVIDIA_TF32_OVERRIDE=0 for both."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True


def repeat(seconds, task):
    """Median seconds of a task whose results reach the memory of the host. The first time is not counted."""
    times = []
    end = None
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
        end = end or time.perf_counter() + seconds
    return sorted(times[1:])[(len(times) - 1) // 2]
