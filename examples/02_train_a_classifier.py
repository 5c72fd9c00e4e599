"""Lesson 2: train a classifier of handwritten digits, the whole loop in sight.

    python examples/02_train_a_classifier.py

The data (1,797 images of 8x8) come with lampas-vision. It takes some seconds.
"""

import os

import lampas
from lampas import nn
from lampas.utils.data import DataLoader
from lampas_vision.datasets import Digits
from lampas_vision.transforms import ToTensor

EPOCHS = 2 if os.environ.get("LAMPAS_QUICK") else 15

lampas.manual_seed(0)
train = Digits(train=True, transform=ToTensor())
test = Digits(train=False, transform=ToTensor())
loader = DataLoader(train, batch_size=64, shuffle=True)

model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = lampas.optim.AdamW(model.parameters(), lr=5e-3)


def accuracy() -> float:
    """The share of test images that the model names rightly."""
    model.eval()
    right = 0
    with lampas.no_grad():
        for images, labels in DataLoader(test, batch_size=256):
            right += (model(images).argmax(1) == labels).sum().item()
    model.train()
    return right / len(test)


for epoch in range(EPOCHS):
    total = 0.0
    for images, labels in loader:
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
    print(f"epoch {epoch + 1}: loss {total / len(train):.3f}, test {accuracy():.1%}")
