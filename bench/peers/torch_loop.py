"""PyTorch: an eager loop over tensors in memory.

It uses one thread. The steps are too small for threads: with two threads they take four times as long.
"""

from common import BATCH, CLASSES, FEATURES, RATE, load, run, serve


def peer():
    import torch
    from torch.nn.functional import cross_entropy

    torch.manual_seed(0)
    torch.set_num_threads(1)
    (x, y), (test_x, test_y) = (map(torch.from_numpy, load(split)) for split in ("train", "test"))
    model = torch.nn.Linear(FEATURES, CLASSES)
    sgd = torch.optim.SGD(model.parameters(), lr=RATE)

    def epoch():
        for rows in torch.randperm(len(x)).split(BATCH):
            sgd.zero_grad()
            cross_entropy(model(x[rows]), y[rows]).backward()
            sgd.step()
        with torch.no_grad():
            return (model(test_x).argmax(1) == test_y).float().mean()

    serve(f"PyTorch {torch.__version__} eager loop", epoch, cores=1)


run(peer)
