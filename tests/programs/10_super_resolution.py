"""Super-resolution by sub-pixel convolution, on drawn shapes.

python 10_super_resolution.py --upscale-factor 2 --steps 500 --save espcn.pt
"""

import argparse
from math import log10

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.utils.data import DataLoader, Dataset, Subset


def draw_image(size, rng):
    """Overlapping discs and bars of several greys, ``(size, size)`` in [0, 1]."""
    y, x = np.mgrid[0:size, 0:size]
    image = np.full((size, size), rng.uniform(0, 0.3))
    for _ in range(4):
        cy, cx = rng.uniform(0, size, 2)
        angle = rng.uniform(0, np.pi)
        along = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
        across = (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
        if rng.random() < 0.5:
            inside = rng.uniform(0.1, 0.25) * size - np.hypot(along, across)
        else:
            inside = np.minimum(size / 3 - np.abs(along), size / 12 - np.abs(across))
        cover = np.clip(inside + 0.5, 0, 1)
        image = image * (1 - cover) + rng.uniform(0.2, 1.0) * cover
    return image.astype(np.float32)


class Shapes(Dataset):
    """Pairs of a small image and the large one that it was made from."""

    def __init__(self, count, size, upscale_factor, rng):
        images = np.stack([draw_image(size, rng) for _ in range(count)])
        self.targets = torch.from_numpy(images).unsqueeze(1)
        self.inputs = F.interpolate(
            self.targets,
            scale_factor=1 / upscale_factor,
            mode="bicubic",
            align_corners=False,
            antialias=True,
        ).clamp_(0, 1)

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        return self.inputs[index], self.targets[index]


class Net(nn.Module):
    def __init__(self, upscale_factor):
        super().__init__()
        self.relu = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(1, 32, (5, 5), (1, 1), (2, 2))
        self.conv2 = nn.Conv2d(32, 32, (3, 3), padding="same", padding_mode="reflect")
        self.conv3 = nn.Conv2d(32, 16, (3, 3), (1, 1), (1, 1))
        self.conv4 = nn.Conv2d(16, upscale_factor**2, (3, 3), (1, 1), (1, 1))
        self.pixel_shuffle = nn.PixelShuffle(upscale_factor)
        self.upsample = nn.Upsample(scale_factor=upscale_factor, mode="bilinear")
        self._initialize_weights()

    def forward(self, x):
        y = self.relu(self.conv1(x))
        y = self.relu(self.conv2(y))
        y = self.relu(self.conv3(y))
        return self.upsample(x) + self.pixel_shuffle(self.conv4(y))

    def _initialize_weights(self):
        gain = nn.init.calculate_gain("relu")
        nn.init.orthogonal_(self.conv1.weight, gain)
        nn.init.orthogonal_(self.conv2.weight, gain)
        nn.init.orthogonal_(self.conv3.weight, gain)
        nn.init.orthogonal_(self.conv4.weight)


def shuffled(dataset, batch_size, rng):
    """Endless batches, in a new order each time through."""
    while True:
        order = rng.permutation(len(dataset)).tolist()
        yield from DataLoader(dataset, batch_size, sampler=order, drop_last=True)


def train(args, model, criterion, batches, device):
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    scheduler = optim.lr_scheduler.MultiStepLR(optimizer, [200, 400], gamma=0.5)
    model.train()
    for step in range(1, args.steps + 1):
        input, target = (tensor.to(device) for tensor in next(batches))
        optimizer.zero_grad()
        loss = criterion(model(input), target)
        loss.backward()
        optimizer.step()
        scheduler.step()
        print(f"step {step:4d}  loss {loss.item():.8f}")


def test(model, criterion, loader, device):
    """The mean signal-to-noise ratio, beside that of bicubic interpolation."""
    ours, plain = 0.0, 0.0
    model.eval()
    with torch.no_grad():
        for input, target in loader:
            input, target = input.to(device), target.to(device)
            large = F.interpolate(input, target.shape[-2:], mode="bicubic")
            ours += 10 * log10(1 / criterion(model(input), target).item())
            plain += 10 * log10(1 / criterion(large, target).item())
    count = len(loader)
    print(f"PSNR {ours / count:.2f} dB, of bicubic resizing {plain / count:.2f} dB")


def main():
    parser = argparse.ArgumentParser(description="Super-resolution of drawn shapes")
    parser.add_argument("--upscale-factor", type=int, default=2)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--lr", type=float, default=0.001)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--init", help="start from these weights")
    parser.add_argument("--save-init", help="write the first weights and stop")
    parser.add_argument("--save", help="write the trained weights")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = Net(args.upscale_factor).to(device)
    if args.save_init:
        torch.save(model.state_dict(), args.save_init)
        return
    if args.init:
        model.load_state_dict(torch.load(args.init, map_location=device))

    dataset = Shapes(args.images, args.size, args.upscale_factor, rng)
    held = len(dataset) // 8
    train_set = Subset(dataset, range(held, len(dataset)))
    test_set = Subset(dataset, range(held))
    criterion = nn.MSELoss()
    train(args, model, criterion, shuffled(train_set, args.batch_size, rng), device)
    test(model, criterion, DataLoader(test_set, args.batch_size), device)
    if args.save:
        torch.save(model.state_dict(), args.save)


if __name__ == "__main__":
    main()
