"""Segment Anything in PyTorch for single foreground points, with the published names of the tensors. Written from
the papers (Kirillov et al., ICCV 2023; Li et al., ECCV 2022). As in the published code, attention with relative
positions is computed as a matrix of logits, and the decoder gets a copy of the embedding per point."""
import math

import torch
import torch.nn.functional as F

MEAN = (123.675, 116.28, 103.53)
DEVIATION = (58.395, 57.12, 57.375)
MASKS = 4


class Sam:
    def __init__(self, tensors, decoder_heads):
        self.tensors = tensors
        self.heads = decoder_heads
        self.grid = tensors["image_encoder.pos_embed"].shape[1]
        self.side = self.grid * tensors["image_encoder.patch_embed.proj.weight"].shape[2]
        self.blocks = 1 + max(int(name.split(".")[2]) for name in tensors if name.startswith("image_encoder.blocks."))

    def linear(self, x, name):
        return F.linear(x, self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"])

    def norm(self, x, name, epsilon):
        weight = self.tensors[f"{name}.weight"]
        return F.layer_norm(x, weight.shape, weight, self.tensors[f"{name}.bias"], epsilon)

    def norm_channels(self, x, name):
        return self.norm(x.permute(0, 2, 3, 1), name, 1e-6).permute(0, 3, 1, 2)

    def embed(self, rgb):
        """rgb: side x side x 3 bytes. Returns 1 x channels x grid x grid."""
        mean, deviation = (torch.tensor(value, device=rgb.device).view(3, 1, 1) for value in (MEAN, DEVIATION))
        image = ((rgb.permute(2, 0, 1).float() - mean) / deviation).unsqueeze(0)
        t = self.tensors
        kernel = t["image_encoder.patch_embed.proj.weight"]
        x = F.conv2d(image, kernel, t["image_encoder.patch_embed.proj.bias"], kernel.shape[2]).permute(0, 2, 3, 1)
        x = x + t["image_encoder.pos_embed"]
        for block in range(self.blocks):
            x = self.block(x, f"image_encoder.blocks.{block}")
        x = F.conv2d(x.permute(0, 3, 1, 2), t["image_encoder.neck.0.weight"])
        x = F.conv2d(self.norm_channels(x, "image_encoder.neck.1"), t["image_encoder.neck.2.weight"], padding=1)
        return self.norm_channels(x, "image_encoder.neck.3")

    def block(self, x, name):
        window = (self.tensors[f"{name}.attn.rel_pos_h"].shape[0] + 1) // 2
        y = self.norm(x, f"{name}.norm1", 1e-6)
        if window < self.grid:
            across = math.ceil(self.grid / window)
            padding = across * window - self.grid
            y = F.pad(y, (0, 0, 0, padding, 0, padding)).view(across, window, across, window, -1)
            y = self.attention(y.transpose(1, 2).reshape(across * across, window, window, -1), f"{name}.attn", window)
            y = y.view(across, across, window, window, -1).transpose(1, 2).reshape(1, across * window, across * window, -1)
            y = y[:, : self.grid, : self.grid]
        else:
            y = self.attention(y, f"{name}.attn", window)
        x = x + y
        y = self.linear(self.norm(x, f"{name}.norm2", 1e-6), f"{name}.mlp.lin1")
        return x + self.linear(F.gelu(y), f"{name}.mlp.lin2")

    def attention(self, x, name, window):
        windows, width = x.shape[0], x.shape[3]
        tables = [self.tensors[f"{name}.rel_pos_{axis}"] for axis in "hw"]
        channels = tables[0].shape[1]
        heads, area = width // channels, window * window
        qkv = self.linear(x, f"{name}.qkv").reshape(windows, area, 3, heads, channels).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.reshape(3, windows * heads, area, channels).unbind(0)
        places = torch.arange(window, device=x.device)
        down, across = (table[places[:, None] - places[None, :] + window - 1] for table in tables)
        square = q.reshape(-1, window, window, channels)
        logits = ((q * channels**-0.5) @ k.transpose(1, 2)).view(-1, window, window, window, window)
        logits = logits + torch.einsum("byxc,ykc->byxk", square, down)[..., :, None]
        logits = logits + torch.einsum("byxc,xkc->byxk", square, across)[..., None, :]
        y = logits.view(-1, area, area).softmax(-1) @ v
        y = y.view(windows, heads, window, window, channels).permute(0, 2, 3, 1, 4).reshape(windows, window, window, width)
        return self.linear(y, f"{name}.proj")

    def positions(self, places):
        angles = 2 * math.pi * ((2 * places - 1) @ self.tensors["prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"])
        return torch.cat([angles.sin(), angles.cos()], -1)

    def decode(self, embedding, points):
        """points: n x 2 pixels. Returns logits n x 3 x 4 grid x 4 grid and qualities n x 3."""
        t, n = self.tensors, len(points)
        prompts = self.positions((points + 0.5) / self.side) + t["prompt_encoder.point_embeddings.1.weight"]
        padding = t["prompt_encoder.not_a_point_embed.weight"].expand(n, -1)
        outputs = torch.cat([t["mask_decoder.iou_token.weight"], t["mask_decoder.mask_tokens.weight"]])
        tokens = torch.cat([outputs.expand(n, -1, -1), torch.stack([prompts, padding], 1)], 1)
        centers = (torch.arange(self.grid, device=points.device) + 0.5) / self.grid
        rows, columns = torch.meshgrid(centers, centers, indexing="ij")
        dense = self.positions(torch.stack([columns, rows], -1).view(-1, 2)).unsqueeze(0)
        image = embedding.flatten(2).transpose(1, 2) + t["prompt_encoder.no_mask_embed.weight"]
        tokens, image = self.transform(tokens, image.repeat(n, 1, 1), dense)
        image = image.transpose(1, 2).reshape(n, -1, self.grid, self.grid)
        name = "mask_decoder.output_upscaling"
        x = F.conv_transpose2d(image, t[f"{name}.0.weight"], t[f"{name}.0.bias"], 2)
        x = F.gelu(self.norm_channels(x, f"{name}.1"))
        x = F.gelu(F.conv_transpose2d(x, t[f"{name}.3.weight"], t[f"{name}.3.bias"], 2))
        filters = torch.stack(
            [self.perceptron(tokens[:, 1 + mask], f"mask_decoder.output_hypernetworks_mlps.{mask}") for mask in range(MASKS)], 1
        )
        logits = (filters @ x.flatten(2)).view(n, MASKS, *x.shape[2:])
        return logits[:, 1:], self.perceptron(tokens[:, 0], "mask_decoder.iou_prediction_head")[:, 1:]

    def perceptron(self, x, name):
        for layer in range(3):
            x = self.linear(x, f"{name}.layers.{layer}")
            x = F.relu(x) if layer < 2 else x
        return x

    def transform(self, tokens, image, dense):
        prompt = tokens
        for layer in range(2):
            name = f"mask_decoder.transformer.layers.{layer}"
            if layer == 0:
                tokens = self.attend(tokens, tokens, tokens, f"{name}.self_attn")
            else:
                placed = tokens + prompt
                tokens = tokens + self.attend(placed, placed, tokens, f"{name}.self_attn")
            tokens = self.norm(tokens, f"{name}.norm1", 1e-5)
            change = self.attend(tokens + prompt, image + dense, image, f"{name}.cross_attn_token_to_image")
            tokens = self.norm(tokens + change, f"{name}.norm2", 1e-5)
            change = self.linear(F.relu(self.linear(tokens, f"{name}.mlp.lin1")), f"{name}.mlp.lin2")
            tokens = self.norm(tokens + change, f"{name}.norm3", 1e-5)
            change = self.attend(image + dense, tokens + prompt, tokens, f"{name}.cross_attn_image_to_token")
            image = self.norm(image + change, f"{name}.norm4", 1e-5)
        name = "mask_decoder.transformer"
        change = self.attend(tokens + prompt, image + dense, image, f"{name}.final_attn_token_to_image")
        return self.norm(tokens + change, f"{name}.norm_final_attn", 1e-5), image

    def attend(self, query, key, value, name):
        q, k, v = (
            self.linear(x, f"{name}.{part}_proj").unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for x, part in ((query, "q"), (key, "k"), (value, "v"))
        )
        weights = (q @ k.transpose(2, 3) / math.sqrt(q.shape[3])).softmax(-1)
        return self.linear((weights @ v).transpose(1, 2).flatten(2), f"{name}.out_proj")
