"""Peer: an encoder in PyTorch, eager; openslide-python reads, Pillow resizes. Prints patches per second.
Arguments: slide, encoder (resnet50 or vit-l), weights (.safetensors; made for vit-l if missing), patch size,
patches, threads."""
