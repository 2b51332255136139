"""
Peer: the consistency loss with its gradient in PyTorch, in losses per second. Arguments: instances, classes,
method. `by-class`: all pairs of each class, which favors the peer. `all-pairs`: the N x N differences, of
which those within a class count, in blocks of rows because the whole would take 40 GB. Two blocks are
computed and the time is scaled.
"""
import json
import resource
import sys
import time

import torch

instances, count, way = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
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


BLOCK, BLOCKS = 500, 2


def all_pairs(block):
    rows = slice(block * BLOCK, (block + 1) * BLOCK)
    same = classes[rows, None] == classes[None, :]
    squares = ((attention[rows, None] - attention[None, :]) ** 2) * same
    return (squares.sum(1) + 1e-30).sqrt().sum() / instances


def once():
    attention.grad = None
    if way == "by-class":
        loss().backward()
    else:
        for block in range(BLOCKS):
            all_pairs(block).backward()


once()
ROUNDS = (5 if way == "by-class" else 1)
start = time.perf_counter()
for _ in range(ROUNDS):
    once()
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
share = 1 if way == "by-class" else BLOCK * BLOCKS / instances
print(json.dumps({"value": share * ROUNDS / seconds, "peak_mb": peak}))
