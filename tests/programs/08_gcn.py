"""A graph convolutional network that sorts the papers of a small citation graph.

python 08_gcn.py --steps 200
"""

import argparse
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.nn.parameter import Parameter


def citations(nodes, classes, words, rng):
    """A graph whose neighbours tend to be of one class, and words of each paper."""
    labels = rng.integers(classes, size=nodes)
    same = labels[:, None] == labels[None, :]
    edges = np.triu(rng.random((nodes, nodes)) < np.where(same, 0.03, 0.004), 1)
    topics = rng.random((classes, words)) * 0.12
    features = rng.random((nodes, words)) < topics[labels]
    return np.argwhere(edges), features.astype(np.float32), labels


def normalised_adjacency(edges, nodes):
    """``D^-1 (A + I)`` as a sparse tensor, ``(nodes, nodes)``."""
    loops = np.stack([np.arange(nodes)] * 2, axis=1)
    pairs = np.concatenate([edges, edges[:, ::-1], loops])
    degree = np.bincount(pairs[:, 0], minlength=nodes)
    values = (1.0 / degree[pairs[:, 0]]).astype(np.float32)
    indices = torch.from_numpy(np.ascontiguousarray(pairs.T).astype(np.int64))
    return torch.sparse_coo_tensor(indices, torch.from_numpy(values), (nodes, nodes))


class GraphConvolution(nn.Module):
    """``A (X W) + b``"""

    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(torch.empty(in_features, out_features))
        if bias:
            self.bias = Parameter(torch.empty(out_features))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        stdv = 1.0 / math.sqrt(self.weight.size(1))
        self.weight.data.uniform_(-stdv, stdv)
        if self.bias is not None:
            self.bias.data.uniform_(-stdv, stdv)

    def forward(self, input, adj):
        support = torch.mm(input, self.weight)
        output = torch.spmm(adj, support)
        if self.bias is not None:
            return output + self.bias
        return output

    def __repr__(self):
        name = self.__class__.__name__
        return f"{name} ({self.in_features} -> {self.out_features})"


class GCN(nn.Module):
    def __init__(self, nfeat, nhid, nclass, dropout, rng):
        super().__init__()
        self.gc1 = GraphConvolution(nfeat, nhid)
        self.gc2 = GraphConvolution(nhid, nclass)
        self.dropout = dropout
        self.rng = rng

    def drop(self, x):
        if not self.training:
            return x
        kept = self.rng.random(x.shape, dtype=np.float32) >= self.dropout
        return x * torch.from_numpy(kept).to(x.dtype) / (1 - self.dropout)

    def forward(self, x, adj):
        x = F.relu(self.gc1(x, adj))
        x = self.gc2(self.drop(x), adj)
        return F.log_softmax(x, dim=1)


def accuracy(output, labels):
    preds = output.max(1)[1].type_as(labels)
    return preds.eq(labels).double().sum() / len(labels)


def main():
    parser = argparse.ArgumentParser(description="GCN on a random citation graph")
    parser.add_argument("--nodes", type=int, default=600)
    parser.add_argument("--classes", type=int, default=5)
    parser.add_argument("--words", type=int, default=200)
    parser.add_argument("--hidden", type=int, default=16)
    parser.add_argument("--dropout", type=float, default=0.5)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--init", help="start from these weights")
    parser.add_argument("--save-init", help="write the first weights and stop")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    model = GCN(args.words, args.hidden, args.classes, args.dropout, rng)
    if args.save_init:
        torch.save(model.state_dict(), args.save_init)
        return
    if args.init:
        model.load_state_dict(torch.load(args.init))

    edges, features, labels = citations(args.nodes, args.classes, args.words, rng)
    adj = normalised_adjacency(edges, args.nodes)
    features = torch.FloatTensor(features / np.maximum(features.sum(1, keepdims=1), 1))
    labels = torch.LongTensor(labels)
    order = torch.LongTensor(rng.permutation(args.nodes))
    idx_train, idx_test = order[:100], order[100:]

    optimizer = optim.Adam(
        model.parameters(), lr=args.lr, weight_decay=args.weight_decay
    )
    for step in range(1, args.steps + 1):
        model.train()
        optimizer.zero_grad()
        output = model(features, adj)
        loss_train = F.nll_loss(output[idx_train], labels[idx_train])
        acc_train = accuracy(output[idx_train], labels[idx_train])
        loss_train.backward()
        optimizer.step()
        print(
            f"step {step:4d}  loss {loss_train.item():.6f}  acc {acc_train.item():.4f}"
        )
    model.eval()
    with torch.no_grad():
        output = model(features, adj)
        loss_test = F.nll_loss(output[idx_test], labels[idx_test])
        acc_test = accuracy(output[idx_test], labels[idx_test])
    print(f"Test set: loss {loss_test.item():.4f}, accuracy {acc_test.item():.4f}")


if __name__ == "__main__":
    main()
