"""A sequence-to-sequence network with attention, which learns to sort letters.

python 14_seq2seq_attention.py --steps 2000
"""

import argparse
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

PAD, SOS, EOS = 0, 1, 2
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Encoder(nn.Module):
    def __init__(self, vocab, emb_dim, hid_dim):
        super().__init__()
        self.embedding = nn.Embedding(vocab, emb_dim, padding_idx=PAD)
        self.rnn = nn.GRU(emb_dim, hid_dim, bidirectional=True)
        self.fc = nn.Linear(2 * hid_dim, hid_dim)

    def forward(self, src, lengths):
        packed = pack_padded_sequence(
            self.embedding(src), lengths.cpu(), enforce_sorted=False
        )
        outputs, hidden = self.rnn(packed)
        outputs, _ = pad_packed_sequence(outputs)
        hidden = torch.tanh(self.fc(torch.cat((hidden[-2], hidden[-1]), dim=1)))
        return outputs, hidden


class Attention(nn.Module):
    """Additive attention (Bahdanau et al., 2015)."""

    def __init__(self, hid_dim):
        super().__init__()
        self.attn = nn.Linear(3 * hid_dim, hid_dim)
        self.v = nn.Linear(hid_dim, 1, bias=False)

    def forward(self, hidden, encoder_outputs, mask):
        src_len = encoder_outputs.shape[0]
        hidden = hidden.unsqueeze(1).repeat(1, src_len, 1)
        encoder_outputs = encoder_outputs.permute(1, 0, 2)
        energy = torch.tanh(self.attn(torch.cat((hidden, encoder_outputs), dim=2)))
        scores = self.v(energy).squeeze(2).masked_fill(mask == 0, -1e10)
        return F.softmax(scores, dim=1)


class Decoder(nn.Module):
    def __init__(self, vocab, emb_dim, hid_dim, attention):
        super().__init__()
        self.attention = attention
        self.embedding = nn.Embedding(vocab, emb_dim)
        self.rnn = nn.GRUCell(emb_dim + 2 * hid_dim, hid_dim)
        self.fc_out = nn.Linear(3 * hid_dim + emb_dim, vocab)

    def forward(self, input, hidden, encoder_outputs, mask):
        embedded = self.embedding(input)
        a = self.attention(hidden, encoder_outputs, mask)
        weighted = torch.bmm(a.unsqueeze(1), encoder_outputs.permute(1, 0, 2))
        weighted = weighted.squeeze(1)
        hidden = self.rnn(torch.cat((embedded, weighted), dim=1), hidden)
        output = self.fc_out(torch.cat((hidden, weighted, embedded), dim=1))
        return output, hidden, a


class Seq2Seq(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, src, lengths, trg, teacher_forcing_ratio=0.5):
        trg_len, batch_size = trg.shape
        outputs = []
        encoder_outputs, hidden = self.encoder(src, lengths)
        mask = (src != PAD).permute(1, 0)
        input = torch.full((batch_size,), SOS, dtype=torch.long)
        for t in range(trg_len):
            output, hidden, _ = self.decoder(input, hidden, encoder_outputs, mask)
            outputs.append(output)
            teacher_force = random.random() < teacher_forcing_ratio
            input = trg[t] if teacher_force else output.argmax(1)
        return torch.stack(outputs)


def make_batch(rng, batch_size, longest):
    """Words as (length, batch), their lengths, and their letters in order."""
    words = [
        "".join(rng.choice(list(LETTERS), size=rng.integers(3, longest + 1)))
        for _ in range(batch_size)
    ]
    numbers = [[LETTERS.index(c) + 3 for c in word] for word in words]
    src = pad_sequence([torch.tensor(n) for n in numbers], padding_value=PAD)
    trg = pad_sequence(
        [torch.tensor([*sorted(n), EOS]) for n in numbers], padding_value=PAD
    )
    return src, torch.as_tensor([len(n) for n in numbers]), trg


def spelled(numbers):
    return "".join(LETTERS[n - 3] for n in numbers if n > EOS)


def main():
    parser = argparse.ArgumentParser(description="Seq2seq with attention")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--longest", type=int, default=8)
    parser.add_argument("--emb-dim", type=int, default=24)
    parser.add_argument("--hid-dim", type=int, default=32)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--clip", type=float, default=1.0)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--init", help="start from these weights")
    parser.add_argument("--save-init", help="write the first weights and stop")
    args = parser.parse_args()

    random.seed(args.seed)
    torch.manual_seed(args.seed)
    vocab = len(LETTERS) + 3
    decoder = Decoder(vocab, args.emb_dim, args.hid_dim, Attention(args.hid_dim))
    model = Seq2Seq(Encoder(vocab, args.emb_dim, args.hid_dim), decoder)
    if args.save_init:
        torch.save(model.state_dict(), args.save_init)
        return
    if args.init:
        model.load_state_dict(torch.load(args.init))

    print(f"{sum(p.numel() for p in model.parameters() if p.requires_grad):,} weights")
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    criterion = nn.CrossEntropyLoss(ignore_index=PAD)
    rng = np.random.default_rng(args.seed)
    model.train()
    for step in range(1, args.steps + 1):
        src, lengths, trg = make_batch(rng, args.batch_size, args.longest)
        optimizer.zero_grad()
        output = model(src, lengths, trg)
        loss = criterion(output.reshape(-1, vocab), trg.reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        optimizer.step()
        print(f"step {step:4d}  loss {loss.item():.6f}")

    model.eval()
    with torch.no_grad():
        src, lengths, trg = make_batch(rng, 4, args.longest)
        guesses = model(src, lengths, trg, 0.0).argmax(2)
    for i in range(4):
        given, guess = src[:, i].tolist(), guesses[:, i].tolist()
        print(f"{spelled(given)} -> {spelled(guess)}")


if __name__ == "__main__":
    main()
