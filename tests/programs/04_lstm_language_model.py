"""A word-level LSTM language model, trained by truncated backpropagation.

python 04_lstm_language_model.py --data plays.txt --steps 1000
"""

import argparse
import math
import re
from collections import Counter

import torch
import torch.nn as nn
import torch.nn.functional as F


class Dictionary:
    def __init__(self):
        self.word2idx = {}
        self.idx2word = []

    def add_word(self, word):
        if word not in self.word2idx:
            self.idx2word.append(word)
            self.word2idx[word] = len(self.idx2word) - 1
        return self.word2idx[word]

    def __len__(self):
        return len(self.idx2word)


class Corpus:
    """A text as numbers of words; rare words are ``<unk>``."""

    def __init__(self, path, size):
        with open(path, encoding="utf-8") as f:
            words = re.findall(r"[A-Za-z']+|[.,;:!?]|\n", f.read().lower())
        words = ["<eos>" if word == "\n" else word for word in words]
        self.dictionary = Dictionary()
        self.dictionary.add_word("<unk>")
        for word, _ in Counter(words).most_common(size - 1):
            self.dictionary.add_word(word)
        ids = [self.dictionary.word2idx.get(word, 0) for word in words]
        data = torch.tensor(ids, dtype=torch.int64)
        held = len(data) // 20
        self.train, self.valid = data[:-held], data[-held:]


class RNNModel(nn.Module):
    """Embedding, LSTM and decoder, whose weights may be tied to the embedding."""

    def __init__(self, ntoken, ninp, nhid, nlayers, tie_weights=False):
        super().__init__()
        self.ntoken, self.nhid, self.nlayers = ntoken, nhid, nlayers
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, nhid, nlayers)
        self.decoder = nn.Linear(nhid, ntoken)
        if tie_weights:
            if nhid != ninp:
                raise ValueError("tied weights need nhid equal to emsize")
            self.decoder.weight = self.encoder.weight
        self.init_weights()

    def init_weights(self):
        initrange = 0.1
        nn.init.uniform_(self.encoder.weight, -initrange, initrange)
        nn.init.zeros_(self.decoder.bias)
        nn.init.uniform_(self.decoder.weight, -initrange, initrange)

    def forward(self, input, hidden):
        emb = self.encoder(input)
        output, hidden = self.rnn(emb, hidden)
        decoded = self.decoder(output).view(-1, self.ntoken)
        return F.log_softmax(decoded, dim=1), hidden

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        return (
            weight.new_zeros(self.nlayers, bsz, self.nhid),
            weight.new_zeros(self.nlayers, bsz, self.nhid),
        )


def batchify(data, bsz):
    """Columns of consecutive words: ``(words per column, bsz)``."""
    nbatch = data.size(0) // bsz
    return data.narrow(0, 0, nbatch * bsz).view(bsz, -1).t().contiguous()


def repackage_hidden(h):
    """Cut hidden states from their history."""
    if isinstance(h, torch.Tensor):
        return h.detach()
    return tuple(repackage_hidden(v) for v in h)


def get_batch(source, i, bptt):
    seq_len = min(bptt, len(source) - 1 - i)
    return source[i : i + seq_len], source[i + 1 : i + 1 + seq_len].view(-1)


def evaluate(args, model, source):
    model.eval()
    total, criterion = 0.0, nn.NLLLoss()
    hidden = model.init_hidden(source.size(1))
    with torch.no_grad():
        for i in range(0, min(source.size(0) - 1, 20 * args.bptt), args.bptt):
            data, targets = get_batch(source, i, args.bptt)
            output, hidden = model(data, hidden)
            total += len(data) * criterion(output, targets).item()
    return total / min(len(source) - 1, 20 * args.bptt)


def train(args, model, source):
    model.train()
    criterion = nn.NLLLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
    hidden = model.init_hidden(args.batch_size)
    for step in range(1, args.steps + 1):
        i = (step - 1) * args.bptt % (source.size(0) - 1)
        data, targets = get_batch(source, i, args.bptt)
        # Without this the gradient would reach back to the first word.
        hidden = repackage_hidden(hidden)
        model.zero_grad()
        output, hidden = model(data, hidden)
        loss = criterion(output, targets)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        optimizer.step()
        print(f"step {step:4d}  loss {loss.item():.6f}  grad {norm.item():.3f}")


def main():
    parser = argparse.ArgumentParser(description="Word-level LSTM language model")
    parser.add_argument("--data", default="data.txt", help="a text file")
    parser.add_argument("--vocab", type=int, default=2000)
    parser.add_argument("--emsize", type=int, default=64)
    parser.add_argument("--nhid", type=int, default=64)
    parser.add_argument("--nlayers", type=int, default=2)
    parser.add_argument("--lr", type=float, default=2.0)
    parser.add_argument("--clip", type=float, default=0.25)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--bptt", type=int, default=20)
    parser.add_argument("--tied", action="store_true")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--init", help="start from these weights")
    parser.add_argument("--save-init", help="write the first weights and stop")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    model = RNNModel(args.vocab, args.emsize, args.nhid, args.nlayers, args.tied)
    if args.save_init:
        torch.save(model.state_dict(), args.save_init)
        return
    if args.init:
        with open(args.init, "rb") as f:
            model.load_state_dict(torch.load(f))

    corpus = Corpus(args.data, args.vocab)
    train(args, model, batchify(corpus.train, args.batch_size))
    loss = evaluate(args, model, batchify(corpus.valid, 10))
    print(f"valid loss {loss:5.2f} | valid perplexity {math.exp(loss):8.2f}")


if __name__ == "__main__":
    main()
