"""Fast neural style (Johnson et al., 2016) on drawn pictures.

A network is trained to repaint pictures in the manner of one: features of a fixed
network say how near content and style are. Its weights are random and not VGG's, so
that nothing has to be fetched.

python 16_fast_neural_style.py --steps 500
"""

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import Adam


class ConvLayer(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride, upsample=None):
        super().__init__()
        self.upsample = upsample
        self.reflection_pad = nn.ReflectionPad2d(kernel_size // 2)
        self.conv2d = nn.Conv2d(in_channels, out_channels, kernel_size, stride)

    def forward(self, x):
        if self.upsample:
            x = F.interpolate(x, mode="nearest", scale_factor=self.upsample)
        return self.conv2d(self.reflection_pad(x))


class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = ConvLayer(channels, channels, kernel_size=3, stride=1)
        self.in1 = nn.InstanceNorm2d(channels, affine=True)
        self.conv2 = ConvLayer(channels, channels, kernel_size=3, stride=1)
        self.in2 = nn.InstanceNorm2d(channels, affine=True)
        self.relu = nn.ReLU()

    def forward(self, x):
        out = self.relu(self.in1(self.conv1(x)))
        return self.in2(self.conv2(out)) + x


class TransformerNet(nn.Module):
    """Down, through residual blocks, and up again."""

    def __init__(self, width=8):
        super().__init__()
        self.conv1 = ConvLayer(3, width, kernel_size=5, stride=1)
        self.in1 = nn.InstanceNorm2d(width, affine=True)
        self.conv2 = ConvLayer(width, 2 * width, kernel_size=3, stride=2)
        self.in2 = nn.InstanceNorm2d(2 * width, affine=True)
        self.res = nn.Sequential(*[ResidualBlock(2 * width) for _ in range(2)])
        self.deconv1 = ConvLayer(2 * width, width, 3, 1, upsample=2)
        self.in3 = nn.InstanceNorm2d(width, affine=True)
        self.deconv2 = ConvLayer(width, 3, kernel_size=5, stride=1)

    def forward(self, x):
        y = F.relu(self.in1(self.conv1(x)))
        y = F.relu(self.in2(self.conv2(y)))
        y = self.res(y)
        y = F.relu(self.in3(self.deconv1(y)))
        return self.deconv2(y)


class Features(nn.Module):
    """Outputs at two depths of a fixed network."""

    def __init__(self):
        super().__init__()
        self.slice1 = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.Tanh())
        self.slice2 = nn.Sequential(
            nn.AvgPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.Tanh()
        )
        for p in self.parameters():
            p.requires_grad = False

    def forward(self, x):
        shallow = self.slice1(x)
        return shallow, self.slice2(shallow)


def gram_matrix(y):
    (b, ch, h, w) = y.size()
    features = y.view(b, ch, w * h)
    return features.bmm(features.transpose(1, 2)) / (ch * h * w)


def draw(rng, count, size):
    """Pictures of a coloured disc on a coloured slope, with values from 0 to 1."""
    grid = np.linspace(-1.0, 1.0, size, dtype=np.float32)
    x, y = grid[None, None, None], grid[None, None, :, None]
    centre = rng.uniform(-0.5, 0.5, (2, count, 1, 1, 1))
    radius = rng.uniform(0.2, 0.6, (count, 1, 1, 1))
    colours = rng.uniform(0.0, 1.0, (3, count, 3, 1, 1))
    inside = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2
    slope = colours[0] + (colours[1] - colours[0]) * (x + y + 2) / 4
    return torch.from_numpy(np.where(inside, colours[2], slope).astype(np.float32))


def stripes(size):
    """The style: waves of two colours."""
    grid = np.linspace(0.0, 6 * np.pi, size, dtype=np.float32)
    wave = 0.5 + 0.5 * np.sin(grid[None] + 2 * np.sin(grid[:, None] / 3))
    return torch.from_numpy(np.stack([wave, wave * 0.5, 1 - wave]))[None]


def main():
    parser = argparse.ArgumentParser(description="Fast neural style")
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--content-weight", type=float, default=1.0)
    parser.add_argument("--style-weight", type=float, default=1e3)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--init", help="start from these weights")
    parser.add_argument("--save-init", help="write the first weights and stop")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    transformer, features = TransformerNet(), Features()
    if args.save_init:
        states = {"net": transformer.state_dict(), "features": features.state_dict()}
        torch.save(states, args.save_init)
        return
    if args.init:
        states = torch.load(args.init)
        transformer.load_state_dict(states["net"])
        features.load_state_dict(states["features"])

    rng = np.random.default_rng(args.seed)
    optimizer = Adam(transformer.parameters(), args.lr)
    mse_loss = nn.MSELoss()
    style = stripes(args.image_size).repeat(args.batch_size, 1, 1, 1)
    gram_style = [gram_matrix(y) for y in features(style)]

    transformer.train()
    for step in range(1, args.steps + 1):
        x = draw(rng, args.batch_size, args.image_size)
        optimizer.zero_grad()
        y = transformer(x)
        features_y, features_x = features(y), features(x)
        content_loss = args.content_weight * mse_loss(features_y[1], features_x[1])
        style_loss = 0.0
        for ft_y, gm_s in zip(features_y, gram_style, strict=True):
            style_loss += mse_loss(gram_matrix(ft_y), gm_s)
        style_loss *= args.style_weight
        total_loss = content_loss + style_loss
        total_loss.backward()
        optimizer.step()
        print(
            f"step {step:4d}  loss {total_loss.item():.6f}"
            f"  content {content_loss.item():.4f}  style {style_loss.item():.4f}"
        )


if __name__ == "__main__":
    main()
