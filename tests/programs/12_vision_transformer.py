"""A small Vision Transformer on MNIST.

python 12_vision_transformer.py --data DIR --steps 1000 --save vit.pt
"""

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchvision import datasets


class PatchEmbed(nn.Module):
    """Cut images into patches and project each: ``(N, C, H, W)`` to ``(N, L, D)``."""

    def __init__(self, img_size, patch_size, in_chans, embed_dim):
        super().__init__()
        self.num_patches = (img_size // patch_size) ** 2
        self.proj = nn.Conv2d(in_chans, embed_dim, patch_size, stride=patch_size)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class Attention(nn.Module):
    def __init__(self, dim, num_heads, qkv_bias=True):
        super().__init__()
        self.num_heads = num_heads
        self.head_dim = dim // num_heads
        self.qkv = nn.Linear(dim, dim * 3, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        B, N, C = x.shape
        qkv = self.qkv(x).reshape(B, N, 3, self.num_heads, self.head_dim)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        x = F.scaled_dot_product_attention(q, k, v)
        return self.proj(x.transpose(1, 2).reshape(B, N, C))


class DropPath(nn.Module):
    """Leave out a branch for some images, which NumPy draws."""

    def __init__(self, p, rng):
        super().__init__()
        self.p = p
        self.rng = rng

    def forward(self, x):
        if not self.training or self.p == 0.0:
            return x
        shape = (x.shape[0],) + (1,) * (x.ndim - 1)
        mask = x.new_tensor(self.rng.random(shape) >= self.p)
        return x * mask.div_(1 - self.p)

    def extra_repr(self):
        return f"p={self.p}"


class Block(nn.Module):
    def __init__(self, dim, num_heads, mlp_ratio, drop_path):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, num_heads)
        self.drop_path = drop_path
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        hidden = int(dim * mlp_ratio)
        self.mlp = nn.Sequential(
            nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim)
        )

    def forward(self, x):
        x = x + self.drop_path(self.attn(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class VisionTransformer(nn.Module):
    def __init__(self, embed_dim, depth, num_heads, drop_path_rate, rng):
        super().__init__()
        self.patch_embed = PatchEmbed(28, 7, 1, embed_dim)
        length = self.patch_embed.num_patches + 1
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, length, embed_dim))
        rates = [rate.item() for rate in torch.linspace(0, drop_path_rate, depth)]
        self.blocks = nn.Sequential(
            *[Block(embed_dim, num_heads, 2.0, DropPath(p, rng)) for p in rates]
        )
        self.norm = nn.LayerNorm(embed_dim, eps=1e-6)
        self.head = nn.Linear(embed_dim, 10)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        nn.init.normal_(self.cls_token, std=1e-6)
        self.apply(self._init_weights)

    def _init_weights(self, m):
        if isinstance(m, nn.Linear):
            nn.init.xavier_uniform_(m.weight)
            if m.bias is not None:
                nn.init.zeros_(m.bias)

    def forward(self, x):
        x = self.patch_embed(x)
        cls_tokens = self.cls_token.expand(x.shape[0], -1, -1)
        x = torch.cat((cls_tokens, x), dim=1) + self.pos_embed
        x = self.norm(self.blocks(x))
        return self.head(x[:, 0])


def param_groups(model, weight_decay):
    """Weights decay; biases, norms and embeddings of place do not."""
    decay, no_decay = [], []
    for name, param in model.named_parameters():
        plain = param.ndim <= 1 or name in ("cls_token", "pos_embed")
        (no_decay if plain else decay).append(param)
    return [
        {"params": no_decay, "weight_decay": 0.0},
        {"params": decay, "weight_decay": weight_decay},
    ]


def load(root, train):
    """The images, normalised, and their labels."""
    mnist = datasets.MNIST(root, train=train)
    images = mnist.data.unsqueeze(1).float().div(255)
    return TensorDataset((images - 0.1307) / 0.3081, mnist.targets)


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    correct = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return correct / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser(description="Vision Transformer on MNIST")
    parser.add_argument("--data", default="data", help="folder above MNIST/raw")
    parser.add_argument("--embed-dim", type=int, default=48)
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--num-heads", type=int, default=4)
    parser.add_argument("--drop-path", type=float, default=0.1)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--warmup", type=int, default=10)
    parser.add_argument("--T-max", type=int, default=1000, help="of the cosine")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--init", help="start from these weights")
    parser.add_argument("--save-init", help="write the first weights and stop")
    parser.add_argument("--save", help="write the trained weights")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    model = VisionTransformer(
        args.embed_dim, args.depth, args.num_heads, args.drop_path, rng
    )
    if args.save_init:
        torch.save(model.state_dict(), args.save_init)
        return
    if args.init:
        model.load_state_dict(torch.load(args.init), strict=True)

    train_set, test_set = load(args.data, True), load(args.data, False)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = torch.optim.AdamW(
        param_groups(model, args.weight_decay), lr=args.lr, betas=(0.9, 0.95)
    )
    warmup = torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=args.warmup)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.T_max)
    scheduler = torch.optim.lr_scheduler.SequentialLR(
        optimizer, [warmup, cosine], milestones=[args.warmup]
    )
    step = 0
    model.train()
    while step < args.steps:
        order = rng.permutation(len(train_set)).tolist()
        for x, y in DataLoader(train_set, args.batch_size, sampler=order):
            logits = model(x)
            loss = criterion(logits, y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            step += 1
            right = (logits.argmax(dim=-1) == y).float().mean()
            print(f"step {step:4d}  loss {loss.item():.6f}  accuracy {right:.2f}")
            if step == args.steps:
                break
    print(f"test accuracy {accuracy(model, DataLoader(test_set, 250)):.4f}")
    if args.save:
        torch.save(model.state_dict(), args.save)


if __name__ == "__main__":
    main()
