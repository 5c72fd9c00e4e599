"""A deep convolutional GAN that learns to draw coloured discs and rings.

The noise comes from torch.randn, so two runs agree only in the mean.

python 02_dcgan.py --steps 500 --out fakes.pt
"""

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset


def draw_images(count, size, rng):
    """Discs and rings, ``(count, 3, size, size)`` in [-1, 1]."""
    y, x = np.mgrid[0:size, 0:size]
    centre = rng.uniform(0.3, 0.7, (count, 2, 1, 1)) * size
    radius = rng.uniform(0.15, 0.3, (count, 1, 1)) * size
    hole = rng.choice([0.0, 0.6], (count, 1, 1)) * radius
    distance = np.hypot(y - centre[:, 0], x - centre[:, 1])
    inside = np.clip(radius - distance, 0, 1) * np.clip(distance - hole + 1, 0, 1)
    colour = rng.uniform(0.3, 1.0, (count, 3, 1, 1))
    return (2 * inside[:, None] * colour - 1).astype(np.float32)


def weights_init(m):
    """Normal weights for convolutions, near one for batch norms."""
    classname = m.__class__.__name__
    if classname.find("Conv") != -1:
        nn.init.normal_(m.weight.data, 0.0, 0.02)
    elif classname.find("BatchNorm") != -1:
        nn.init.normal_(m.weight.data, 1.0, 0.02)
        nn.init.constant_(m.bias.data, 0)


class Generator(nn.Module):
    def __init__(self, nz, ngf, nc):
        super().__init__()
        self.main = nn.Sequential(
            # (nz) x 1 x 1
            nn.ConvTranspose2d(nz, ngf * 2, 4, 1, 0, bias=False),
            nn.BatchNorm2d(ngf * 2),
            nn.ReLU(True),
            # (ngf*2) x 4 x 4
            nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ngf),
            nn.ReLU(True),
            # (ngf) x 8 x 8
            nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False),
            nn.Tanh(),
            # (nc) x 16 x 16
        )

    def forward(self, input):
        return self.main(input)


class Discriminator(nn.Module):
    def __init__(self, nc, ndf):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(nc, ndf, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ndf * 2),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf * 2, 1, 4, 1, 0, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, input):
        return self.main(input).view(-1)


def batches(images, size, rng):
    """Endless batches of the images, in a new order each time through."""
    dataset = TensorDataset(torch.from_numpy(images))
    while True:
        order = rng.permutation(len(dataset)).tolist()
        for (batch,) in DataLoader(dataset, size, sampler=order, drop_last=True):
            yield batch


def train(args, netG, netD, loader, device):
    criterion = nn.BCELoss()
    optimizerD = optim.Adam(netD.parameters(), lr=args.lr, betas=(0.5, 0.999))
    optimizerG = optim.Adam(netG.parameters(), lr=args.lr, betas=(0.5, 0.999))
    real_label, fake_label = 1.0, 0.0
    for step in range(1, args.steps + 1):
        # Discriminator: log(D(x)) + log(1 - D(G(z)))
        netD.zero_grad()
        real = next(loader).to(device)
        label = torch.full((real.size(0),), real_label, device=device)
        output = netD(real)
        errD_real = criterion(output, label)
        errD_real.backward()
        D_x = output.mean().item()

        noise = torch.randn(real.size(0), args.nz, 1, 1, device=device)
        fake = netG(noise)
        label.fill_(fake_label)
        output = netD(fake.detach())
        errD_fake = criterion(output, label)
        errD_fake.backward()
        D_G_z1 = output.mean().item()
        errD = errD_real + errD_fake
        optimizerD.step()

        # Generator: log(D(G(z)))
        netG.zero_grad()
        label.fill_(real_label)
        output = netD(fake)
        errG = criterion(output, label)
        errG.backward()
        D_G_z2 = output.mean().item()
        optimizerG.step()
        print(
            f"step {step:4d}  loss_d {errD.item():.6f}  loss_g {errG.item():.6f}  "
            f"D(x) {D_x:.4f}  D(G(z)) {D_G_z1:.4f} / {D_G_z2:.4f}"
        )


def main():
    parser = argparse.ArgumentParser(description="DCGAN on drawn images")
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--nz", type=int, default=32, help="size of the noise")
    parser.add_argument("--ngf", type=int, default=16)
    parser.add_argument("--ndf", type=int, default=16)
    parser.add_argument("--lr", type=float, default=0.001)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--init", help="start from these weights")
    parser.add_argument("--save-init", help="write the first weights and stop")
    parser.add_argument("--out", help="write 64 images of the generator")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    netG = Generator(args.nz, args.ngf, 3).to(device)
    netG.apply(weights_init)
    netD = Discriminator(3, args.ndf).to(device)
    netD.apply(weights_init)
    if args.save_init:
        state = {"netG": netG.state_dict(), "netD": netD.state_dict()}
        torch.save(state, args.save_init)
        return
    if args.init:
        state = torch.load(args.init)
        netG.load_state_dict(state["netG"])
        netD.load_state_dict(state["netD"])

    loader = batches(draw_images(args.images, 16, rng), args.batch_size, rng)
    train(args, netG, netD, loader, device)
    if args.out:
        netG.eval()
        with torch.no_grad():
            torch.save(netG(torch.randn(64, args.nz, 1, 1, device=device)), args.out)


if __name__ == "__main__":
    main()
