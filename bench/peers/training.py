"""
Peer: bags per second of training steps of a MIL model in PyTorch. Arguments: model, instances, feature
length, steps, head (default: two classes; hazard, cox and mse only for abmil and rrt-mil). A step takes one
bag, with the head cox 16.
"""
import json
import math
import resource
import sys
import time

import torch
from torch.nn import functional as F

model_name, rows, dim, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
head = sys.argv[5] if len(sys.argv) > 5 else "classes"
torch.manual_seed(1)
torch.set_num_threads(2)
WIDTH, HIDDEN, CLASSES = 512, 128, {"classes": 2, "hazard": 4, "cox": 1, "mse": 1}[head]


class Embedding(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(dim, WIDTH)
        self.drop = torch.nn.Dropout(0.25)

    def forward(self, x):
        return self.drop(torch.relu(self.linear(x)))


class AttentionMil(torch.nn.Module):
    """tanh with biases, relu without, or relu times sigmoid without."""

    def __init__(self, kind):
        super().__init__()
        biases = kind == "tanh"
        self.kind = kind
        self.embed = Embedding()
        self.hidden = torch.nn.Linear(WIDTH, HIDDEN, bias=biases)
        self.gate = torch.nn.Linear(WIDTH, HIDDEN, bias=False) if kind == "gated" else None
        self.score = torch.nn.Linear(HIDDEN, 1, bias=biases)
        self.head = torch.nn.Linear(WIDTH, CLASSES)

    def scores(self, h):
        u = torch.tanh(self.hidden(h)) if self.kind == "tanh" else torch.relu(self.hidden(h))
        if self.gate is not None:
            u = u * torch.sigmoid(self.gate(h))
        return self.score(u).squeeze(1)

    def classify(self, h):
        return self.head(torch.softmax(self.scores(h), 0) @ h)

    def logits(self, x):
        return self.classify(self.embed(x))

    def loss(self, x, label):
        return F.cross_entropy(self.logits(x)[None], label)


class SamMil(AttentionMil):
    """Paper mode on relu attention."""

    def __init__(self):
        super().__init__("relu")
        areas = torch.randint(0, 40, (rows,))
        self.order = torch.argsort(areas, stable=True)
        self.sizes = torch.bincount(areas).tolist()

    def consistency(self, attention):
        """Mean distance of each row's attention to its area class, expanded so that it is O(n)."""
        total, count = 0.0, 0
        for a in torch.split(attention[self.order], self.sizes):
            n = len(a)
            if n < 2:
                continue
            a = a - a.mean().detach()
            squares = n * a * a - 2 * a * a.sum() + (a * a).sum()
            total = total + torch.sqrt(squares.clamp_min(0) + 1e-24).sum()
            count += n
        return total / count

    def loss(self, x, label):
        h = self.embed(x)
        kept = torch.randperm(rows)[: rows * 6 // 10].sort().values
        loss = F.cross_entropy(self.classify(h[kept])[None], label)
        pseudo = [F.cross_entropy(self.classify(h[part])[None], label) for part in torch.randperm(rows).chunk(5)]
        attention = torch.softmax(self.scores(h.detach()), 0)
        return loss + 0.5 * sum(pseudo) / 5 + 1000 * self.consistency(attention)


class Dsmil(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = Embedding()
        self.instance = torch.nn.Linear(WIDTH, CLASSES)
        self.query = torch.nn.Linear(WIDTH, HIDDEN)
        self.bag = torch.nn.Conv1d(CLASSES, CLASSES, WIDTH)

    def loss(self, x, label):
        h = self.embed(x)
        c = self.instance(h)
        best, critical = c.max(0)
        q = self.query(h)
        attention = torch.softmax(q @ q[critical].T / math.sqrt(HIDDEN), 0)
        logits = self.bag((attention.T @ h)[None]).squeeze(2)
        return 0.5 * F.cross_entropy(logits, label) + 0.5 * F.cross_entropy(best[None], label)


class Nystrom(torch.nn.Module):
    def __init__(self, heads=8, landmarks=WIDTH // 2):
        super().__init__()
        self.heads, self.landmarks = heads, landmarks
        self.norm = torch.nn.LayerNorm(WIDTH)
        self.qkv = torch.nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.out = torch.nn.Sequential(torch.nn.Linear(WIDTH, WIDTH), torch.nn.Dropout(0.1))
        self.residual = torch.nn.Conv2d(heads, heads, (33, 1), padding=(16, 0), groups=heads, bias=False)

    def forward(self, x):
        n = len(x)
        run = math.ceil(n / self.landmarks)
        padded = F.pad(self.norm(x), (0, 0, run * self.landmarks - n, 0))
        q, k, v = (t.view(len(padded), self.heads, -1).transpose(0, 1) for t in self.qkv(padded).chunk(3, 1))
        q = q * q.shape[2] ** -0.5
        q_mean, k_mean = (t.reshape(self.heads, self.landmarks, run, -1).mean(2) for t in (q, k))
        towards = torch.softmax(q @ k_mean.transpose(1, 2), -1)
        middle = torch.softmax(q_mean @ k_mean.transpose(1, 2), -1)
        attended = towards @ (self.inverse(middle) @ (torch.softmax(q_mean @ k.transpose(1, 2), -1) @ v))
        attended = attended + self.residual(v[None])[0]
        return x + self.out(attended.transpose(0, 1).reshape(len(padded), -1))[-n:]

    @staticmethod
    def inverse(a):
        unit = torch.eye(a.shape[1])
        z = a.transpose(1, 2) / (a.abs().sum(2).max() * a.abs().sum(1).max())
        for _ in range(6):
            az = a @ z
            z = 0.25 * z @ (13 * unit - az @ (15 * unit - az @ (7 * unit - az)))
        return z


class TransMil(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = Embedding()
        self.token = torch.nn.Parameter(torch.randn(1, WIDTH) * 1e-6)
        self.layers = torch.nn.ModuleList([Nystrom(), Nystrom()])
        self.places = torch.nn.ModuleList(
            torch.nn.Conv2d(WIDTH, WIDTH, k, padding=k // 2, groups=WIDTH) for k in (7, 5, 3)
        )
        self.norm = torch.nn.LayerNorm(WIDTH)
        self.head = torch.nn.Linear(WIDTH, CLASSES)

    def loss(self, x, label):
        h = self.embed(x)
        side = math.ceil(math.sqrt(len(h)))
        h = torch.cat([self.token, h, h[: side * side - len(h)]])
        h = self.layers[0](h)
        grid = h[1:].T.reshape(1, WIDTH, side, side)
        grid = grid + sum(place(grid) for place in self.places)
        h = self.layers[1](torch.cat([h[:1], grid.reshape(WIDTH, -1).T]))
        return F.cross_entropy(self.head(self.norm(h[:1])), label)


class RegionAttention(torch.nn.Module):
    """Attention within 8 x 8 regions; EPEG convolves the scores along the queries, as in the authors' code."""

    def __init__(self, heads=8, across=8, kernel=15):
        super().__init__()
        self.heads, self.across = heads, across
        self.qkv = torch.nn.Linear(WIDTH, 3 * WIDTH)
        self.out = torch.nn.Sequential(torch.nn.Linear(WIDTH, WIDTH), torch.nn.Dropout(0.1))
        self.epeg = None
        if kernel:
            self.epeg = torch.nn.Conv2d(heads, heads, (kernel, 1), padding=(kernel // 2, 0), groups=heads)

    def attend(self, groups):
        """[groups, size, width] -> the same."""
        count, size, _ = groups.shape
        q, k, v = (
            t.view(count, size, self.heads, -1).transpose(1, 2) for t in self.qkv(groups).chunk(3, 2)
        )
        scores = (q * q.shape[3] ** -0.5) @ k.transpose(2, 3)
        if self.epeg is not None:
            scores = scores + self.epeg(scores)
        return self.out((torch.softmax(scores, -1) @ v).transpose(1, 2).reshape(count, size, WIDTH))

    def cut(self, x):
        """[n, width] -> [regions, size, width], zeros at the end of the square."""
        length = math.ceil(math.ceil(math.sqrt(len(x))) / self.across)
        side = length * self.across
        square = F.pad(x, (0, 0, 0, side * side - len(x)))
        square = square.view(self.across, length, self.across, length, WIDTH).transpose(1, 2)
        return square.reshape(self.across**2, length * length, WIDTH)

    def join(self, regions, n):
        length = math.isqrt(regions.shape[1])
        square = regions.view(self.across, self.across, length, length, WIDTH).transpose(1, 2)
        return square.reshape(-1, WIDTH)[:n]

    def forward(self, x):
        return self.join(self.attend(self.cut(x)), len(x))


class CrossAttention(RegionAttention):
    """Attention between representatives of 8 x 8 regions."""

    def __init__(self, representatives=3):
        super().__init__(kernel=0)
        self.phi = torch.nn.Parameter((torch.rand(WIDTH, representatives) * 2 - 1) / math.sqrt(representatives))

    def forward(self, x):
        regions = self.cut(x)
        scores = regions @ self.phi
        groups = torch.softmax(scores, 1).transpose(1, 2) @ regions
        passed = self.attend(groups.transpose(0, 1)).transpose(0, 1)
        low, high = scores.min(1, keepdim=True).values, scores.max(1, keepdim=True).values
        shares = torch.softmax(scores, 2) * (scores - low) / (high - low + 1e-8)
        return self.join(shares @ passed, len(x))


class RrtMil(AttentionMil):
    def __init__(self):
        super().__init__("relu")
        self.norms = torch.nn.ModuleList(torch.nn.LayerNorm(WIDTH) for _ in range(3))
        self.within, self.between = RegionAttention(), CrossAttention()

    def logits(self, x):
        h = self.embed(x)
        h = h + self.within(self.norms[0](h))
        h = h + self.between(self.norms[1](h))
        return self.classify(self.norms[2](h))


MODELS = {
    "abmil": lambda: AttentionMil("tanh"),
    "abmil-gated": lambda: AttentionMil("gated"),
    "sam-mil": SamMil,
    "dsmil": Dsmil,
    "transmil": TransMil,
    "rrt-mil": RrtMil,
}
net = MODELS[model_name]()
net.train()
adam = torch.optim.Adam(net.parameters(), lr=2e-4, weight_decay=1e-5)
bag = torch.randn(rows, dim)
label = torch.tensor([1])


window = 16 if head == "cox" else 1
times = torch.tensor([1.0 + (7 * i) % 16 for i in range(window)])
events = torch.tensor([float(i % 3 != 0) for i in range(window)])


def hazard_loss(z, bin_index):
    """An event in a bin, as in MCAT."""
    hazards = torch.sigmoid(z)
    survival = torch.cumprod(torch.cat([torch.ones(1), 1 - hazards]), 0)
    return -(survival[bin_index].clamp_min(1e-7).log() + hazards[bin_index].clamp_min(1e-7).log())


def cox_loss(z):
    """Distinct times, so that all rules of ties agree."""
    at_risk = torch.where(times[None] >= times[:, None], z[None], -math.inf)
    return ((torch.logsumexp(at_risk, 1) - z) * events).sum() / events.sum()


def loss_of_step():
    if head == "classes":
        return net.loss(bag, label)
    if head == "cox":
        return cox_loss(torch.cat([net.logits(bag) for _ in range(window)]))
    z = net.logits(bag)
    return hazard_loss(z, 1) if head == "hazard" else ((z - 0.5) ** 2).mean()


def step():
    loss = loss_of_step()
    adam.zero_grad()
    loss.backward()
    adam.step()
    return loss.item()


for _ in range(math.ceil(3 / window)):
    step()
start = time.perf_counter()
for _ in range(steps):
    step()
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps({"value": steps * window / seconds, "peak_mb": peak}))
