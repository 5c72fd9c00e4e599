"""Datasets, samplers and the loader that turns them into batches.

>>> import lampas
>>> from lampas.utils.data import DataLoader, TensorDataset
>>> dataset = TensorDataset(lampas.tensor([1, 2, 3]), lampas.tensor([0, 1, 0]))
>>> for numbers, labels in DataLoader(dataset, batch_size=2):
...     print(numbers, labels)
tensor([1, 2]) tensor([0, 1])
tensor([3]) tensor([0])
"""

from __future__ import annotations

from lampas.random import Generator
from lampas.utils.data._worker import WorkerInfo, get_worker_info
from lampas.utils.data.collate import default_collate, default_convert
from lampas.utils.data.dataloader import DataLoader
from lampas.utils.data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from lampas.utils.data.distributed import DistributedSampler
from lampas.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

__all__ = [
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "Generator",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "WorkerInfo",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "random_split",
]
