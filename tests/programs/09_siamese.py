"""A Siamese network that learns which drawings show the same sign.

python 09_siamese.py --loss triplet --steps 500
"""

import argparse

import numpy as np
import torch
from torch import nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset


def draw(strokes, rng, size=20):
    """A sign as an image: its strokes, a little moved, ``(1, size, size)``."""
    moved = strokes + rng.normal(0, 0.05, strokes.shape) + rng.normal(0, 0.06, 2)
    along = np.linspace(0, 1, 12)[:, None]
    points = [a + along * (b - a) for a, b in moved]
    points = np.concatenate(points) * (size - 1)
    y, x = np.mgrid[0:size, 0:size]
    distance = np.hypot(y - points[:, :1, None], x - points[:, 1:, None]).min(axis=0)
    return np.clip(1.6 - distance, 0, 1).astype(np.float32)[None]


class Triplets(Dataset):
    """Two drawings of one sign and one of another, drawn when asked for."""

    def __init__(self, signs, count, seed):
        rng = np.random.default_rng(seed)
        self.strokes = rng.uniform(0.15, 0.85, (signs, 3, 2, 2))
        self.count, self.seed = count, seed

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        rng = np.random.default_rng([self.seed, index])
        same, other = rng.choice(len(self.strokes), 2, replace=False)
        return {
            "anchor": draw(self.strokes[same], rng),
            "positive": torch.from_numpy(draw(self.strokes[same], rng)),
            "negative": torch.from_numpy(draw(self.strokes[other], rng)),
            "sign": int(same),
        }


class EmbeddingNet(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.convnet = nn.Sequential(
            nn.Conv2d(1, 8, 5),
            nn.PReLU(),
            nn.MaxPool2d(2, stride=2),
            nn.Conv2d(8, 16, 3),
            nn.PReLU(),
            nn.AdaptiveAvgPool2d(3),
        )
        self.fc = nn.Sequential(
            nn.Linear(16 * 3 * 3, 64), nn.PReLU(), nn.Linear(64, dim)
        )

    def forward(self, x):
        output = self.convnet(x)
        output = output.view(output.size()[0], -1)
        return F.normalize(self.fc(output), p=2, dim=1)


class ContrastiveLoss(nn.Module):
    """Pulls pairs of one sign together and pushes others apart up to a margin."""

    def __init__(self, margin):
        super().__init__()
        self.margin = margin

    def forward(self, first, second, same):
        distance = F.pairwise_distance(first, second)
        apart = torch.clamp(self.margin - distance, min=0.0)
        return torch.mean(same * distance.pow(2) + (1 - same) * apart.pow(2))


def batch_loss(args, model, batch, device):
    anchor, positive, negative = (
        model(batch[part].to(device)) for part in ("anchor", "positive", "negative")
    )
    if args.loss == "triplet":
        return nn.TripletMarginLoss(margin=args.margin, p=2)(anchor, positive, negative)
    first = torch.cat([anchor, anchor])
    second = torch.cat([positive, negative])
    same = torch.cat([torch.ones(len(anchor)), torch.zeros(len(anchor))]).to(device)
    return ContrastiveLoss(args.margin)(first, second, same)


@torch.no_grad()
def evaluate(model, dataset, device):
    """How often the drawing of the same sign is nearer than that of another."""
    model.eval()
    right = 0
    for batch in DataLoader(dataset, batch_size=64):
        anchor = model(batch["anchor"].to(device))
        near = F.pairwise_distance(anchor, model(batch["positive"].to(device)))
        far = F.pairwise_distance(anchor, model(batch["negative"].to(device)))
        right += (near < far).sum().item()
    print(f"Same sign nearer: {right}/{len(dataset)}")


def main():
    parser = argparse.ArgumentParser(description="Siamese net on drawn signs")
    parser.add_argument("--loss", choices=["triplet", "contrastive"], default="triplet")
    parser.add_argument("--margin", type=float, default=1.0)
    parser.add_argument("--signs", type=int, default=40)
    parser.add_argument("--dim", type=int, default=16)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--t-max", type=int, default=500, help="steps of the cosine")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--init", help="start from these weights")
    parser.add_argument("--save-init", help="write the first weights and stop")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = EmbeddingNet(args.dim).to(device)
    if args.save_init:
        torch.save(model.state_dict(), args.save_init)
        return
    if args.init:
        model.load_state_dict(torch.load(args.init, map_location=device))

    train_set = Triplets(args.signs, args.steps * args.batch_size, args.seed)
    loader = DataLoader(train_set, args.batch_size, num_workers=args.workers)
    optimizer = optim.SGD(
        model.parameters(), lr=args.lr * 10, momentum=0.9, nesterov=True
    )
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.t_max)
    model.train()
    for step, batch in enumerate(loader, start=1):
        loss = batch_loss(args, model, batch, device)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        print(f"step {step:4d}  loss {loss.item():.6f}")
    held_out = Triplets(args.signs, 256, args.seed)
    held_out.seed += 1
    evaluate(model, held_out, device)


if __name__ == "__main__":
    main()
