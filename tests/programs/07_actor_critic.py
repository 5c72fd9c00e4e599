"""Actor-critic on a pole that must be balanced on a cart.

Actions are drawn by torch.distributions, so two runs agree only in the mean.

python 07_actor_critic.py --steps 200
"""

import argparse
from collections import namedtuple

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical

SavedAction = namedtuple("SavedAction", ["log_prob", "value", "entropy"])


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
    """The actor and the critic in one model."""

    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(4, 128)
        self.action_head = nn.Linear(128, 2)
        self.value_head = nn.Linear(128, 1)
        self.saved_actions = []
        self.rewards = []

    def forward(self, x):
        x = F.relu(self.affine1(x))
        return self.action_head(x), self.value_head(x)


def select_action(model, state):
    logits, state_value = model(torch.from_numpy(state).float())
    m = Categorical(logits=logits)
    action = m.sample()
    model.saved_actions.append(
        SavedAction(m.log_prob(action), state_value, m.entropy())
    )
    return action.item()


def finish_episode(model, optimizer, gamma, entropy_weight):
    """One step of the optimizer on what was saved; the loss."""
    R = 0
    returns = []
    for r in model.rewards[::-1]:
        R = r + gamma * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + 1e-8)

    policy_losses, value_losses, entropies = [], [], []
    for (log_prob, value, entropy), R in zip(model.saved_actions, returns):
        advantage = R - value.item()
        policy_losses.append(-log_prob * advantage)
        value_losses.append(F.smooth_l1_loss(value, torch.tensor([R])))
        entropies.append(entropy)
    optimizer.zero_grad()
    loss = torch.stack(policy_losses).sum() + torch.stack(value_losses).sum()
    loss = loss - entropy_weight * torch.stack(entropies).sum()
    loss.backward()
    optimizer.step()
    del model.rewards[:]
    del model.saved_actions[:]
    return loss.item()


def main():
    parser = argparse.ArgumentParser(description="Actor-critic on a cart-pole")
    parser.add_argument("--gamma", type=float, default=0.99, help="discount factor")
    parser.add_argument("--lr", type=float, default=1e-2)
    parser.add_argument("--entropy", type=float, default=0.01, help="its weight")
    parser.add_argument("--longest", type=int, default=200, help="steps per episode")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--init", help="start from these weights")
    parser.add_argument("--save-init", help="write the first weights and stop")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    env = CartPole(args.seed)
    model = Policy()
    if args.save_init:
        torch.save(model.state_dict(), args.save_init)
        return
    if args.init:
        model.load_state_dict(torch.load(args.init))
    optimizer = optim.Adam(model.parameters(), lr=args.lr)

    for step in range(1, args.steps + 1):
        state = env.reset()
        for _ in range(args.longest):
            action = select_action(model, state)
            state, reward, done = env.step(action)
            model.rewards.append(reward)
            if done:
                break
        total = sum(model.rewards)
        loss = finish_episode(model, optimizer, args.gamma, args.entropy)
        print(f"step {step:4d}  return {total:.4f}  loss {loss:.4f}")


if __name__ == "__main__":
    main()
