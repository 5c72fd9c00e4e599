"""Two LSTM cells learn to go on with sine waves, by L-BFGS in double precision.

python 11_sine_waves.py --steps 50 --future 100
"""

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim


def waves(count, length, period, rng):
    """Sine waves of one period that start anywhere, ``(count, length)`` float64."""
    start = rng.integers(-4 * period, 4 * period, (count, 1))
    return np.sin((np.arange(length) + start) / period)


class Sequence(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.hidden = hidden
        self.lstm1 = nn.LSTMCell(1, hidden)
        self.lstm2 = nn.LSTMCell(hidden, hidden)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, input, future=0):
        """The next value after each of ``input``, then ``future`` values more."""
        outputs = []
        size = (input.size(0), self.hidden)
        h_t = torch.zeros(size, dtype=torch.double, device=input.device)
        c_t = torch.zeros(size, dtype=torch.double, device=input.device)
        h_t2 = torch.zeros(size, dtype=torch.double, device=input.device)
        c_t2 = torch.zeros(size, dtype=torch.double, device=input.device)

        for input_t in input.split(1, dim=1):
            h_t, c_t = self.lstm1(input_t, (h_t, c_t))
            h_t2, c_t2 = self.lstm2(h_t, (h_t2, c_t2))
            output = self.linear(h_t2)
            outputs += [output]
        for _ in range(future):  # its own output is the next input
            h_t, c_t = self.lstm1(output, (h_t, c_t))
            h_t2, c_t2 = self.lstm2(h_t, (h_t2, c_t2))
            output = self.linear(h_t2)
            outputs += [output]
        return torch.cat(outputs, dim=1)


def main():
    parser = argparse.ArgumentParser(description="Sine waves with L-BFGS")
    parser.add_argument("--waves", type=int, default=24)
    parser.add_argument("--test-waves", type=int, default=3)
    parser.add_argument("--length", type=int, default=33)
    parser.add_argument("--period", type=int, default=5, help="steps per radian")
    parser.add_argument("--hidden", type=int, default=16)
    parser.add_argument("--lr", type=float, default=0.5)
    parser.add_argument("--max-iter", type=int, default=2, help="of L-BFGS, a step")
    parser.add_argument("--strong-wolfe", action="store_true", help="search the step")
    parser.add_argument("--future", type=int, default=33, help="values to predict")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--init", help="start from these weights")
    parser.add_argument("--save-init", help="write the first weights and stop")
    parser.add_argument("--out", help="write the predicted waves, as .npy")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    np.random.seed(args.seed)
    seq = Sequence(args.hidden)
    seq.double()
    if args.save_init:
        torch.save(seq.state_dict(), args.save_init)
        return
    if args.init:
        seq.load_state_dict(torch.load(args.init))

    rng = np.random.default_rng(args.seed)
    data = waves(args.waves, args.length, args.period, rng)
    input = torch.from_numpy(data[args.test_waves :, :-1])
    target = torch.from_numpy(data[args.test_waves :, 1:])
    test_input = torch.from_numpy(data[: args.test_waves, :-1])
    test_target = torch.from_numpy(data[: args.test_waves, 1:])

    criterion = nn.MSELoss()
    optimizer = optim.LBFGS(
        seq.parameters(),
        lr=args.lr,
        max_iter=args.max_iter,
        history_size=20,
        line_search_fn="strong_wolfe" if args.strong_wolfe else None,
    )

    def closure():
        optimizer.zero_grad()
        out = seq(input)
        loss = criterion(out, target)
        loss.backward()
        return loss

    for step in range(1, args.steps + 1):
        loss = optimizer.step(closure)
        print(f"step {step:4d}  loss {loss.item():.10f}")

    with torch.no_grad():
        pred = seq(test_input, future=args.future)
        loss = criterion(pred[:, : -args.future], test_target)
        print(f"test loss: {loss.item():.6f}")
        if args.out:
            np.save(args.out, pred.detach().numpy())


if __name__ == "__main__":
    main()
