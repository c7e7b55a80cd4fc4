"""scikit-learn: an MLPClassifier without hidden layers. `partial_fit` trains one epoch of shuffled mini-batches."""

from common import BATCH, CLASSES, RATE, load, run, serve


def peer():
    import sklearn
    from sklearn.neural_network import MLPClassifier

    (x, y), (test_x, test_y) = load("train"), load("test")
    model = MLPClassifier(
        hidden_layer_sizes=(),
        solver="sgd",
        momentum=0,
        nesterovs_momentum=False,
        alpha=0,
        batch_size=BATCH,
        learning_rate_init=RATE,
        random_state=0,
    )

    def epoch():
        model.partial_fit(x, y, classes=range(CLASSES))
        return (model.predict(test_x) == test_y).mean()

    serve(f"scikit-learn {sklearn.__version__} `MLPClassifier`", epoch)


run(peer)
