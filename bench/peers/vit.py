"""A vision transformer in PyTorch with timm's names of the tensors: class token, optional registers, LayerScale,
GELU or packed SwiGLU. It calls the same functions of PyTorch as timm's own classes do (fused attention,
`F.layer_norm`, `F.linear`, `F.gelu`), so it is as fast as timm's."""
import torch
import torch.nn.functional as F
from torch import nn

SHAPES = {
    # width, depth, heads, patch, rows of fc1, columns of fc2, registers, positions
    "tiny": (64, 2, 4, 16, 256, 256, 0, 197),
    "vit-l": (1024, 24, 16, 16, 4096, 4096, 0, 197),
    "vit-g": (1536, 40, 24, 14, 8192, 4096, 4, 256),
}


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        images, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(images, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        x = F.scaled_dot_product_attention(q, k, v)
        return self.proj(x.transpose(1, 2).reshape(images, tokens, width))


class Mlp(nn.Module):
    def __init__(self, width, rows, columns):
        super().__init__()
        self.gated = rows == 2 * columns
        self.fc1 = nn.Linear(width, rows)
        self.fc2 = nn.Linear(columns, width)

    def forward(self, x):
        x = self.fc1(x)
        if not self.gated:
            return self.fc2(F.gelu(x))
        gate, factor = x.chunk(2, dim=-1)
        return self.fc2(F.silu(gate) * factor)


class Scale(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * self.gamma


class Block(nn.Module):
    def __init__(self, width, heads, rows, columns):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.ls1 = Scale(width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, rows, columns)
        self.ls2 = Scale(width)

    def forward(self, x):
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class PatchEmbed(nn.Module):
    def __init__(self, width, patch):
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, patch)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class Vit(nn.Module):
    """Returns the class token after the last norm."""

    def __init__(self, name):
        super().__init__()
        width, depth, heads, patch, rows, columns, registers, positions = SHAPES[name]
        self.patch_embed = PatchEmbed(width, patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        if registers:
            self.reg_token = nn.Parameter(torch.zeros(1, registers, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, positions, width))
        self.blocks = nn.Sequential(*[Block(width, heads, rows, columns) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x):
        x = self.patch_embed(x)
        first = [self.cls_token.expand(len(x), -1, -1)]
        if hasattr(self, "reg_token"):
            first.append(self.reg_token.expand(len(x), -1, -1))
        # Positions are either for the patches alone or for the class token and the patches.
        if self.pos_embed.shape[1] == x.shape[1]:
            x = torch.cat([*first, x + self.pos_embed], 1)
        else:
            x = torch.cat([*first, x], 1) + self.pos_embed
        return self.norm(self.blocks(x))[:, 0]
