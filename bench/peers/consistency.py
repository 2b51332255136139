"""Peer: the consistency loss over all pairs of each class, with its gradient, in PyTorch; losses a second. Arguments: instances, classes."""
import json
import resource
import sys
import time

import torch

instances, count = int(sys.argv[1]), int(sys.argv[2])
torch.manual_seed(1)
torch.set_num_threads(2)
attention = (torch.rand(instances) / instances).requires_grad_()
classes = torch.randint(0, count, (instances,))
members = [torch.nonzero(classes == c).squeeze(1) for c in range(count)]


def loss():
    total, counted = 0.0, 0
    for rows in members:
        if len(rows) < 2:
            continue
        a = attention[rows]
        total = total + torch.norm(a[:, None] - a[None, :], dim=1).sum()
        counted += len(rows)
    return total / counted


def once():
    attention.grad = None
    loss().backward()


once()
ROUNDS = 5
start = time.perf_counter()
for _ in range(ROUNDS):
    once()
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps({"value": ROUNDS / seconds, "peak_mb": peak}))
