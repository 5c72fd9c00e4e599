"""Lesson 3: fine-tune a pretrained model on a task of your own.

    python examples/03_fine_tune.py

The pretrained model knows ten digits. We want to know whether a digit is even: a new
head of two classes is put on, and all of it is trained for a few epochs.
"""

import os

import lampas
from lampas import nn
from lampas.utils.data import DataLoader
from lampas_vision.datasets import Digits
from lampas_vision.models import convnet
from lampas_vision.transforms import ToTensor

EPOCHS = 1 if os.environ.get("LAMPAS_QUICK") else 3

lampas.manual_seed(0)
train = Digits(train=True, transform=ToTensor(), target_transform=lambda d: d % 2)
test = Digits(train=False, transform=ToTensor(), target_transform=lambda d: d % 2)

# num_classes differs from the file's: the head is new, and a notice says so.
model = convnet(weights="digits-convnet", num_classes=2)
optimizer = lampas.optim.AdamW(model.parameters(), lr=1e-3)

for epoch in range(EPOCHS):
    model.train()
    for images, labels in DataLoader(train, batch_size=64, shuffle=True):
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with lampas.no_grad():
        images, labels = next(iter(DataLoader(test, batch_size=len(test))))
        right = (model(images).argmax(1) == labels).float().mean().item()
    print(f"epoch {epoch + 1}: even or odd, right on {right:.1%} of test images")
