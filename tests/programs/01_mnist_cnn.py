"""Train a small convolutional network on MNIST and report its accuracy.

python 01_mnist_cnn.py --data DIR --steps 500 --save mnist.pt
"""

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Sampler
from torchvision import datasets, transforms


class Dropout(nn.Module):
    """Dropout whose mask comes from a NumPy generator."""

    def __init__(self, p, rng):
        super().__init__()
        self.p = p
        self.rng = rng

    def forward(self, x):
        if not self.training:
            return x
        kept = torch.from_numpy(self.rng.random(x.shape) >= self.p)
        return x * kept / (1 - self.p)


class Net(nn.Module):
    def __init__(self, rng):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 1)
        self.conv2 = nn.Conv2d(8, 16, 3, 1)
        self.dropout = Dropout(0.25, rng)
        self.fc1 = nn.Linear(16 * 12 * 12, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2)
        x = torch.flatten(self.dropout(x), 1)
        x = F.relu(self.fc1(x))
        return F.log_softmax(self.fc2(x), dim=1)


class Shuffled(Sampler):
    """A new random order of ``count`` examples for each epoch."""

    def __init__(self, dataset, count, rng):
        self.dataset = dataset
        self.count = min(count, len(dataset))
        self.rng = rng

    def __iter__(self):
        order = self.rng.permutation(len(self.dataset))[: self.count]
        return iter(order.tolist())

    def __len__(self):
        return self.count


def train(args, model, device, loader, optimizer, done):
    """One epoch, or less where ``args.steps`` are reached; gives the steps done."""
    model.train()
    for data, target in loader:
        if done == args.steps:
            break
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
        done += 1
        print(f"step {done:4d}  loss {loss.item():.6f}")
    return done


def test(model, device, loader):
    model.eval()
    total, correct = 0.0, 0
    with torch.no_grad():
        for data, target in loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            total += F.nll_loss(output, target, reduction="sum").item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
    size = len(loader.dataset)
    print(
        f"Test set: average loss {total / size:.4f}, "
        f"accuracy {correct}/{size} ({100.0 * correct / size:.1f} %)"
    )


def main():
    parser = argparse.ArgumentParser(description="MNIST with a small CNN")
    parser.add_argument("--data", default="data", help="folder above MNIST/raw")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--test-batch-size", type=int, default=500)
    parser.add_argument("--epoch-size", type=int, default=1280)
    parser.add_argument("--lr", type=float, default=0.5)
    parser.add_argument("--gamma", type=float, default=0.7, help="lr decay per epoch")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--init", help="start from these weights")
    parser.add_argument("--save-init", help="write the first weights and stop")
    parser.add_argument("--save", help="write the trained weights")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = Net(rng).to(device)
    if args.save_init:
        torch.save(model.state_dict(), args.save_init)
        return
    if args.init:
        model.load_state_dict(torch.load(args.init, map_location=device))

    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
    )
    train_set = datasets.MNIST(args.data, train=True, transform=transform)
    test_set = datasets.MNIST(args.data, train=False, transform=transform)
    sampler = Shuffled(train_set, args.epoch_size, rng)
    train_loader = DataLoader(train_set, args.batch_size, sampler=sampler)
    test_loader = DataLoader(test_set, args.test_batch_size)

    optimizer = optim.Adadelta(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
    done = 0
    while done < args.steps:
        done = train(args, model, device, train_loader, optimizer, done)
        scheduler.step()
    test(model, device, test_loader)
    if args.save:
        torch.save(model.state_dict(), args.save)


if __name__ == "__main__":
    main()
