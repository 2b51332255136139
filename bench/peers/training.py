"""Peer: training steps of AB-MIL or SAM-MIL (paper mode, AB-MIL baseline) in PyTorch; steps a second."""
import json
import sys
import time

import torch

model_name, rows, dim, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
torch.manual_seed(1)
torch.set_num_threads(2)


class AttentionMil(torch.nn.Module):
    def __init__(self, relu):
        super().__init__()
        self.embed = torch.nn.Linear(dim, 512)
        self.hidden = torch.nn.Linear(512, 128, bias=not relu)
        self.score = torch.nn.Linear(128, 1, bias=not relu)
        self.head = torch.nn.Linear(512, 2)
        self.act = torch.relu if relu else torch.tanh
        self.drop = torch.nn.Dropout(0.25)

    def embedding(self, x):
        return self.drop(torch.relu(self.embed(x)))

    def scores(self, h):
        return self.score(self.act(self.hidden(h))).squeeze(1)

    def classify(self, h):
        return self.head(torch.softmax(self.scores(h), 0) @ h)


def consistency(attention, order, sizes):
    """Mean distance of each row's attention to its area class, expanded so that it is O(n)."""
    total, count = 0.0, 0
    for a in torch.split(attention[order], sizes):
        n = len(a)
        if n < 2:
            continue
        a = a - a.mean().detach()
        squares = n * a * a - 2 * a * a.sum() + (a * a).sum()
        total = total + torch.sqrt(squares.clamp_min(0) + 1e-24).sum()
        count += n
    return total / count


net = AttentionMil(relu=model_name == "sam-mil")
net.train()
adam = torch.optim.Adam(net.parameters(), lr=2e-4, weight_decay=1e-5)
bag = torch.randn(rows, dim)
label = torch.tensor([1])
areas = torch.randint(0, 40, (rows,))
order = torch.argsort(areas, stable=True)
sizes = torch.bincount(areas).tolist()
cross_entropy = torch.nn.functional.cross_entropy


def loss_of_step():
    h = net.embedding(bag)
    if model_name == "abmil":
        return cross_entropy(net.classify(h)[None], label)
    kept = torch.randperm(rows)[: rows * 6 // 10].sort().values
    loss = cross_entropy(net.classify(h[kept])[None], label)
    pseudo = [cross_entropy(net.classify(h[part])[None], label) for part in torch.randperm(rows).chunk(5)]
    attention = torch.softmax(net.scores(h.detach()), 0)
    return loss + 0.5 * sum(pseudo) / 5 + 1000 * consistency(attention, order, sizes)


def step():
    loss = loss_of_step()
    adam.zero_grad()
    loss.backward()
    adam.step()
    return loss.item()


for _ in range(3):
    step()
start = time.perf_counter()
for _ in range(steps):
    step()
print(json.dumps({"value": steps / (time.perf_counter() - start)}))
