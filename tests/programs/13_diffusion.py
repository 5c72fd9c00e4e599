"""A denoising diffusion model of points in the plane.

python 13_diffusion.py --steps 5000 --samples 1000 --out points.npy
"""

import argparse
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def two_moons(count, rng):
    """Points on two half circles that reach into each other, ``(count, 2)``."""
    angle = rng.uniform(0, np.pi, count)
    upper = rng.random(count) < 0.5
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle)) - 0.5
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle)) - 0.25
    points = np.stack([x, y], axis=1) + rng.normal(0, 0.05, (count, 2))
    return torch.tensor(points, dtype=torch.float32)


class SinusoidalEmbedding(nn.Module):
    def __init__(self, size, scale=1.0):
        super().__init__()
        half = size // 2
        freqs = torch.exp(-math.log(10000) * torch.arange(half) / (half - 1))
        self.register_buffer("freqs", scale * freqs, persistent=False)

    def forward(self, x):
        args = x.unsqueeze(-1) * self.freqs
        return torch.cat([args.sin(), args.cos()], dim=-1)


class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.norm = nn.GroupNorm(4, size)
        self.ff = nn.Linear(size, size)
        self.shift = nn.Linear(size, 2 * size)
        self.act = nn.SiLU()

    def forward(self, x, time):
        scale, shift = self.shift(time).chunk(2, dim=1)
        h = self.norm(x) * (1 + scale) + shift
        return x + self.ff(self.act(h))


class Denoiser(nn.Module):
    """The noise in points ``x`` at the times ``t``."""

    def __init__(self, hidden, layers, emb):
        super().__init__()
        self.time_mlp = SinusoidalEmbedding(emb)
        self.coord_mlp = SinusoidalEmbedding(emb, scale=25.0)
        self.time_in = nn.Sequential(nn.Linear(emb, hidden), nn.SiLU())
        self.joint = nn.Linear(2 * emb + 2, hidden)
        self.blocks = nn.ModuleList(Block(hidden) for _ in range(layers))
        self.out = nn.Linear(hidden, 2)

    def forward(self, x, t):
        time = self.time_in(self.time_mlp(t))
        coords = self.coord_mlp(x).flatten(start_dim=1)
        h = self.joint(torch.cat((x, coords), dim=-1))
        for block in self.blocks:
            h = block(h, time)
        return self.out(h)


class NoiseScheduler:
    """Variances that grow linearly over ``num_timesteps``."""

    def __init__(self, num_timesteps, beta_start=1e-4, beta_end=0.1):
        self.num_timesteps = num_timesteps
        self.betas = torch.linspace(beta_start, beta_end, num_timesteps)
        self.alphas = 1.0 - self.betas
        self.alphas_cumprod = torch.cumprod(self.alphas, dim=0)
        before = F.pad(self.alphas_cumprod[:-1], (1, 0), value=1.0)
        self.sqrt_alphas_cumprod = self.alphas_cumprod**0.5
        self.sqrt_one_minus = (1 - self.alphas_cumprod) ** 0.5
        self.posterior_mean_x0 = (
            self.betas * torch.sqrt(before) / (1.0 - self.alphas_cumprod)
        )
        self.posterior_mean_xt = (
            (1.0 - before) * torch.sqrt(self.alphas) / (1.0 - self.alphas_cumprod)
        )
        self.variance = self.betas * (1.0 - before) / (1.0 - self.alphas_cumprod)

    def add_noise(self, x0, noise, t):
        s1 = self.sqrt_alphas_cumprod[t].reshape(-1, 1)
        s2 = self.sqrt_one_minus[t].reshape(-1, 1)
        return s1 * x0 + s2 * noise

    def step(self, predicted, t, sample, noise):
        """From ``sample`` at time ``t`` to one at ``t - 1``."""
        x0 = sample - self.sqrt_one_minus[t] * predicted
        x0 = (x0 / self.sqrt_alphas_cumprod[t]).clamp(-3, 3)
        mean = self.posterior_mean_x0[t] * x0 + self.posterior_mean_xt[t] * sample
        if t == 0:
            return mean
        return mean + self.variance[t].clip(min=1e-20).sqrt() * noise

    def __len__(self):
        return self.num_timesteps


@torch.inference_mode()
def generate(model, scheduler, count, rng):
    """Points drawn by the model, ``(count, 2)``, from pure noise backwards."""
    model.eval()
    sample = torch.from_numpy(rng.standard_normal((count, 2))).float()
    for t in reversed(range(len(scheduler))):
        times = torch.full((count,), t, dtype=torch.long)
        noise = torch.from_numpy(rng.standard_normal((count, 2))).float()
        sample = scheduler.step(model(sample, times), t, sample, noise)
    return sample


def main():
    parser = argparse.ArgumentParser(description="Diffusion of points in the plane")
    parser.add_argument("--points", type=int, default=4000)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--hidden", type=int, default=96)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--emb", type=int, default=32)
    parser.add_argument("--timesteps", type=int, default=100)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--ema", type=float, default=0.98)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--init", help="start from these weights")
    parser.add_argument("--save-init", help="write the first weights and stop")
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--out", help="write the drawn points, as .npy")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    model = Denoiser(args.hidden, args.layers, args.emb)
    if args.save_init:
        torch.save(model.state_dict(), args.save_init)
        return
    if args.init:
        model.load_state_dict(torch.load(args.init))

    points = two_moons(args.points, rng)
    scheduler = NoiseScheduler(args.timesteps)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(args.ema))
    model.train()
    for step in range(1, args.steps + 1):
        batch = points[rng.integers(len(points), size=args.batch_size)]
        noise = torch.from_numpy(rng.standard_normal(batch.shape)).float()
        times = torch.from_numpy(rng.integers(len(scheduler), size=len(batch)))
        predicted = model(scheduler.add_noise(batch, noise, times), times)
        loss = F.mse_loss(predicted, noise)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        average.update_parameters(model)
        print(f"step {step:4d}  loss {loss.item():.6f}")

    drawn = generate(average, scheduler, args.samples, rng)
    nearest = torch.cdist(drawn, points).min(dim=1).values
    print(f"mean distance from the nearest point: {nearest.mean().item():.3f}")
    if args.out:
        np.save(args.out, drawn.numpy())


if __name__ == "__main__":
    main()
