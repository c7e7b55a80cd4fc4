"""Trains a network of two layers to separate two spirals, and saves a checkpoint after every epoch.

A trial that was interrupted, even by `kill -9`, continues after the last saved epoch and gives the
same numbers as without the interruption.
"""

import argparse
import json
import os

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--hidden", type=int, required=True)
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()


def spirals(count):
    """Returns noisy points of two spirals, and the spiral of each point."""
    label = torch.arange(count) % 2
    turn = torch.rand(count).sqrt() * 2 * torch.pi
    angle = turn + torch.pi * label
    points = torch.stack([turn * angle.cos(), turn * angle.sin()], dim=1) / 4
    return points + 0.08 * torch.randn(count, 2), label


def accuracy(points, label):
    with torch.no_grad():
        return (model(points).argmax(dim=1) == label).float().mean().item()


torch.manual_seed(args.seed)
train, validation, test = spirals(600), spirals(500), spirals(2000)
model = nn.Sequential(
    nn.Linear(2, args.hidden), nn.Tanh(), nn.Linear(args.hidden, args.hidden), nn.Tanh(),
    nn.Linear(args.hidden, 2),
)
optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
first_epoch = 1

# The runner sets the folder. Without it, the script works as before.
folder = os.environ.get("SWEEP_CHECKPOINT_DIR")
checkpoint = folder and os.path.join(folder, "checkpoint.pt")
if checkpoint and os.path.exists(checkpoint):
    state = torch.load(checkpoint)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["random"])
    first_epoch = state["epoch"] + 1

for epoch in range(first_epoch, args.epochs + 1):
    total = 0.0
    for batch in torch.randperm(600).split(20):
        loss = nn.functional.cross_entropy(model(train[0][batch]), train[1][batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
    # First print, then save: an epoch that is printed twice counts once, but an epoch that is saved
    # and was not printed would be missing.
    print(json.dumps({"epoch": epoch, "loss": total / 600, "val_accuracy": accuracy(*validation)}),
          flush=True)
    if checkpoint:
        state = {"epoch": epoch, "random": torch.get_rng_state(),
                 "model": model.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save(state, checkpoint + ".new")
        os.replace(checkpoint + ".new", checkpoint)  # never a half-written checkpoint

print(json.dumps({"test_accuracy": accuracy(*test)}))
