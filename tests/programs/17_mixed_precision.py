"""A small residual network in mixed precision, with everything that saves or steadies.

Autocast to bfloat16, a gradient scaler, accumulated gradients, checkpointed blocks, a
warm-up by OneCycleLR and an averaged model.

python 17_mixed_precision.py --data MNIST_ROOT --steps 500
"""

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.checkpoint import checkpoint


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.GroupNorm(4, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.GroupNorm(4, channels)
        self.act = nn.SiLU(inplace=True)

    def forward(self, x):
        out = self.act(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out))
        return self.act(out + x)


class Net(nn.Module):
    def __init__(self, width=16, depth=2, classes=4, use_checkpoint=True):
        super().__init__()
        self.use_checkpoint = use_checkpoint
        self.stem = nn.Conv2d(1, width, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))
        self.pool = nn.AdaptiveAvgPool2d((1, 1))
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            if self.use_checkpoint and self.training:
                x = checkpoint(block, x, use_reentrant=False)
            else:
                x = block(x)
        return self.head(torch.flatten(self.pool(x), 1))


def draw(rng, count, size=24):
    """Noisy pictures of bars that lie, stand, rise or fall; which of the four."""
    labels = rng.integers(0, 4, count)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j].astype(np.float32)
    across = np.stack([y, x, (x + y) / 2**0.5, (x - y) / 2**0.5])[labels]
    shift = rng.uniform(-0.3, 0.3, (count, 1, 1))
    pictures = (np.abs(across - shift) < 0.2) + rng.normal(0, 0.3, (count, size, size))
    images = torch.from_numpy(pictures.astype(np.float32)).unsqueeze(1)
    return images, torch.from_numpy(labels).long()


def main():
    parser = argparse.ArgumentParser(description="Mixed precision training")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--accumulate", type=int, default=2)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--total-steps", type=int, default=500, help="of the schedule")
    parser.add_argument("--no-amp", action="store_true")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--init", help="start from these weights")
    parser.add_argument("--save-init", help="write the first weights and stop")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = Net().to(device)
    if args.save_init:
        torch.save(model.state_dict(), args.save_init)
        return
    if args.init:
        model.load_state_dict(torch.load(args.init, map_location=device))

    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.95))
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.05)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=args.lr, total_steps=args.total_steps
    )
    scaler = torch.amp.GradScaler(device.type, enabled=not args.no_amp)
    rng = np.random.default_rng(args.seed)
    model.train()
    for step in range(1, args.steps + 1):
        optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for _ in range(args.accumulate):
            images, labels = (t.to(device) for t in draw(rng, args.batch_size))
            with torch.autocast(
                device.type, dtype=torch.bfloat16, enabled=not args.no_amp
            ):
                logits = model(images)
                loss = F.cross_entropy(logits, labels, label_smoothing=0.1)
            scaler.scale(loss / args.accumulate).backward()
            total += loss.item() / args.accumulate
        scaler.unscale_(optimizer)
        norm = nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        scaler.step(optimizer)
        scaler.update()
        scheduler.step()
        averaged.update_parameters(model)
        print(f"step {step:4d}  loss {total:.6f}  grad {norm.item():.3f}")

    averaged.eval()
    with torch.inference_mode():
        images, labels = draw(rng, 500)
        accuracy = (averaged(images).argmax(dim=1) == labels).float().mean().item()
    print(f"accuracy of the averaged model {100 * accuracy:.1f} %")


if __name__ == "__main__":
    main()
