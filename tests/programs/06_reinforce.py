"""REINFORCE on a pole that must be balanced on a cart.

Actions are drawn by torch.distributions, so two runs agree only in the mean.

python 06_reinforce.py --steps 200
"""

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical


class CartPole:
    """The classic control problem: push left (0) or right (1), one point a step."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.state = np.zeros(4)

    def reset(self):
        self.state = self.rng.uniform(-0.05, 0.05, size=4)
        return self.state.astype(np.float32)

    def step(self, action):
        x, speed, angle, spin = self.state
        force = 10.0 if action == 1 else -10.0
        sine, cosine = np.sin(angle), np.cos(angle)
        push = (force + 0.05 * spin**2 * sine) / 1.1
        swing = (9.8 * sine - cosine * push) / (0.5 * (4 / 3 - 0.1 * cosine**2 / 1.1))
        pull = push - 0.05 * swing * cosine / 1.1
        change = np.array([speed, pull, spin, swing])
        self.state = self.state + 0.02 * change
        done = abs(self.state[0]) > 2.4 or abs(self.state[2]) > 12 * np.pi / 180
        return self.state.astype(np.float32), 1.0, bool(done)


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(4, 128)
        self.affine2 = nn.Linear(128, 2)
        self.saved_log_probs = []
        self.rewards = []

    def forward(self, x):
        x = F.relu(self.affine1(x))
        return F.softmax(self.affine2(x), dim=1)


def select_action(policy, state):
    state = torch.from_numpy(state).float().unsqueeze(0)
    probs = policy(state)
    m = Categorical(probs)
    action = m.sample()
    policy.saved_log_probs.append(m.log_prob(action))
    return action.item()


def discounted(rewards, gamma):
    """What each step of an episode still brought, ``(steps,)``."""
    R, returns = 0, []
    for r in rewards[::-1]:
        R = r + gamma * R
        returns.insert(0, R)
    return torch.tensor(returns)


def play(policy, env, longest):
    """One episode; its rewards."""
    state = env.reset()
    rewards = []
    for _ in range(longest):
        action = select_action(policy, state)
        state, reward, done = env.step(action)
        rewards.append(reward)
        if done:
            break
    return rewards


def finish_episodes(policy, optimizer, returns):
    eps = np.finfo(np.float32).eps.item()
    returns = torch.cat(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps)
    policy_loss = []
    for log_prob, R in zip(policy.saved_log_probs, returns):
        policy_loss.append(-log_prob * R)
    optimizer.zero_grad()
    loss = torch.cat(policy_loss).sum()
    loss.backward()
    optimizer.step()
    del policy.saved_log_probs[:]
    return loss.item()


def main():
    parser = argparse.ArgumentParser(description="REINFORCE on a cart-pole")
    parser.add_argument("--gamma", type=float, default=0.99, help="discount factor")
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--episodes", type=int, default=2, help="episodes per step")
    parser.add_argument("--longest", type=int, default=200, help="steps per episode")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--init", help="start from these weights")
    parser.add_argument("--save-init", help="write the first weights and stop")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    env = CartPole(args.seed)
    policy = Policy()
    if args.save_init:
        torch.save(policy.state_dict(), args.save_init)
        return
    if args.init:
        policy.load_state_dict(torch.load(args.init))
    optimizer = optim.Adam(policy.parameters(), lr=args.lr)

    running_return = 10.0
    for step in range(1, args.steps + 1):
        played = [play(policy, env, args.longest) for _ in range(args.episodes)]
        returns = [discounted(rewards, args.gamma) for rewards in played]
        loss = finish_episodes(policy, optimizer, returns)
        mean = sum(map(sum, played)) / args.episodes
        running_return = 0.05 * mean + 0.95 * running_return
        print(
            f"step {step:4d}  return {mean:.4f}  average {running_return:.2f}  "
            f"loss {loss:.4f}"
        )


if __name__ == "__main__":
    main()
