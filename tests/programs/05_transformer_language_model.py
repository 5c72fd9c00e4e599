"""A word-level Transformer language model on sentences of a small grammar.

python 05_transformer_language_model.py --steps 500
"""

import argparse
import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import TransformerEncoder, TransformerEncoderLayer
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

GRAMMAR = {
    "S": [["NP", "VP", "."], ["NP", "VP", "and", "S"], ["why", "does", "NP", "V", "?"]],
    "NP": [["the", "N"], ["the", "A", "N"], ["a", "N"], ["NP", "of", "NP"]],
    "VP": [["V", "NP"], ["V", "NP", "with", "NP"], ["sleeps"], ["V", "that", "S"]],
    "N": [[w] for w in "king queen ship storm letter crown ghost fool".split()],
    "A": [[w] for w in "old brave silent false golden".split()],
    "V": [[w] for w in "loves fears finds sends keeps hears".split()],
}
PAD = 0


def sentence(rng, symbol="S", depth=0):
    """Words of a random sentence; deep in it the shortest rules are taken."""
    if symbol not in GRAMMAR:
        return [symbol]
    rules = GRAMMAR[symbol]
    last = 1 if depth > 4 and symbol in ("S", "NP") else len(rules)
    rule = rules[rng.integers(last)]
    return [word for part in rule for word in sentence(rng, part, depth + 1)]


class Sentences(Dataset):
    """Sentences as numbers of words, each between a start and an end mark."""

    def __init__(self, count, rng):
        texts = [["<s>", *sentence(rng), "</s>"] for _ in range(count)]
        words = sorted({word for text in texts for word in text})
        self.vocab = {word: number + 1 for number, word in enumerate(words)}
        self.items = [torch.tensor([self.vocab[w] for w in text]) for text in texts]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Tensor:
        return self.items[index]


def collate(batch: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Inputs and targets, ``(sentences, words)``, padded at their ends."""
    padded = pad_sequence(batch, batch_first=True, padding_value=PAD)
    return padded[:, :-1], padded[:, 1:]


class PositionalEncoding(nn.Module):
    def __init__(self, d_model: int, max_len: int = 512):
        super().__init__()
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(
            torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model)
        )
        pe = torch.zeros(max_len, d_model)
        pe[:, 0::2] = torch.sin(position * div_term)
        pe[:, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.pe[: x.size(1)]


class TransformerModel(nn.Module):
    def __init__(self, ntoken: int, d_model: int, nhead: int, d_hid: int, nlayers: int):
        super().__init__()
        self.d_model = d_model
        self.embedding = nn.Embedding(ntoken, d_model, padding_idx=PAD)
        self.pos_encoder = PositionalEncoding(d_model)
        layer = TransformerEncoderLayer(
            d_model, nhead, d_hid, dropout=0.0, activation="gelu", batch_first=True
        )
        self.encoder = TransformerEncoder(layer, nlayers, enable_nested_tensor=False)
        self.linear = nn.Linear(d_model, ntoken)

    def forward(self, src: Tensor) -> Tensor:
        n = src.size(1)
        ahead = torch.ones(n, n, dtype=torch.bool, device=src.device).triu(diagonal=1)
        x = self.pos_encoder(self.embedding(src) * math.sqrt(self.d_model))
        x = self.encoder(x, mask=ahead, src_key_padding_mask=src == PAD)
        return self.linear(x)


def main() -> None:
    parser = argparse.ArgumentParser(description="Transformer language model")
    parser.add_argument("--sentences", type=int, default=2000)
    parser.add_argument("--d-model", type=int, default=64)
    parser.add_argument("--nhead", type=int, default=4)
    parser.add_argument("--d-hid", type=int, default=128)
    parser.add_argument("--nlayers", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--warmup", type=int, default=20)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--init", help="start from these weights")
    parser.add_argument("--save-init", help="write the first weights and stop")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    data = Sentences(args.sentences, rng)
    ntoken = len(data.vocab) + 1
    model = TransformerModel(ntoken, args.d_model, args.nhead, args.d_hid, args.nlayers)
    if args.save_init:
        torch.save(model.state_dict(), args.save_init)
        return
    if args.init:
        model.load_state_dict(torch.load(args.init))

    criterion = nn.CrossEntropyLoss(ignore_index=PAD)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / args.warmup, 1.0)
    )
    model.train()
    step = 0
    while step < args.steps:
        order = rng.permutation(len(data)).tolist()
        loader = DataLoader(data, args.batch_size, sampler=order, collate_fn=collate)
        for inputs, targets in loader:
            output = model(inputs)
            loss = criterion(output.reshape(-1, ntoken), targets.reshape(-1))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            scheduler.step()
            step += 1
            print(
                f"step {step:4d}  loss {loss.item():.6f}  "
                f"ppl {math.exp(loss.item()):8.2f}  lr {scheduler.get_last_lr()[0]:.1e}"
            )
            if step == args.steps:
                break


if __name__ == "__main__":
    main()
