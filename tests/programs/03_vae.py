"""A variational auto-encoder on MNIST.

python 03_vae.py --data DIR --steps 500
"""

import argparse

import numpy as np
import torch
from torch import nn, optim
from torch.nn import functional as F
from torch.utils.data import BatchSampler, DataLoader
from torchvision import datasets, transforms


class VAE(nn.Module):
    def __init__(self, hidden, latent, rng):
        super().__init__()
        self.rng = rng
        self.fc1 = nn.Linear(784, hidden)
        self.fc21 = nn.Linear(hidden, latent)
        self.fc22 = nn.Linear(hidden, latent)
        self.fc3 = nn.Linear(latent, hidden)
        self.fc4 = nn.Linear(hidden, 784)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        eps = torch.from_numpy(self.rng.standard_normal(std.shape)).to(std)
        return mu + eps * std

    def decode(self, z):
        h3 = F.relu(self.fc3(z))
        return torch.sigmoid(self.fc4(h3))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 784))
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    """Reconstruction error and divergence from the prior, summed over the batch."""
    BCE = F.binary_cross_entropy(recon_x, x.view(-1, 784), reduction="sum")
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return BCE + KLD


class ShuffledBatches(BatchSampler):
    """Batches in an order drawn by NumPy."""

    def __init__(self, count, batch_size, rng):
        super().__init__(range(count), batch_size, drop_last=True)
        self.rng = rng

    def __iter__(self):
        order = self.rng.permutation(len(self.sampler))
        for start in range(0, len(order) - self.batch_size + 1, self.batch_size):
            yield order[start : start + self.batch_size].tolist()


def train(args, model, device, loader, optimizer):
    model.train()
    step = 0
    while step < args.steps:
        for data, _ in loader:
            data = data.to(device)
            optimizer.zero_grad()
            recon_batch, mu, logvar = model(data)
            loss = loss_function(recon_batch, data, mu, logvar)
            loss.backward()
            optimizer.step()
            step += 1
            print(f"step {step:4d}  loss {loss.item() / len(data):.6f}")
            if step == args.steps:
                break


def test(model, device, loader):
    model.eval()
    total = 0.0
    with torch.no_grad():
        for data, _ in loader:
            data = data.to(device)
            recon_batch, mu, logvar = model(data)
            total += loss_function(recon_batch, data, mu, logvar).item()
    print(f"Test set loss: {total / len(loader.dataset):.4f}")


def main():
    parser = argparse.ArgumentParser(description="VAE on MNIST")
    parser.add_argument("--data", default="data", help="folder above MNIST/raw")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--hidden", type=int, default=200)
    parser.add_argument("--latent", type=int, default=20)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--init", help="start from these weights")
    parser.add_argument("--save-init", help="write the first weights and stop")
    parser.add_argument("--sample", help="write 64 decoded images")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = VAE(args.hidden, args.latent, rng).to(device)
    if args.save_init:
        torch.save(model.state_dict(), args.save_init)
        return
    if args.init:
        model.load_state_dict(torch.load(args.init, weights_only=True))

    to_tensor = transforms.ToTensor()
    train_set = datasets.MNIST(args.data, train=True, transform=to_tensor)
    test_set = datasets.MNIST(args.data, train=False, transform=to_tensor)
    sampler = ShuffledBatches(len(train_set), args.batch_size, rng)
    train_loader = DataLoader(train_set, batch_sampler=sampler)
    test_loader = DataLoader(test_set, batch_size=500, shuffle=False)

    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    train(args, model, device, train_loader, optimizer)
    test(model, device, test_loader)
    if args.sample:
        with torch.no_grad():
            sample = torch.randn(64, args.latent).to(device)
            images = model.decode(sample).cpu().view(64, 1, 28, 28)
        torch.save(images, args.sample)


if __name__ == "__main__":
    main()
