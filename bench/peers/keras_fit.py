"""Keras: one `fit` with validation, which waits before each epoch until it is asked for."""

import sys
import time

from common import BATCH, CLASSES, FEATURES, RATE, load, run, say


def peer():
    import tensorflow  # the backend whose absence Keras would only notice later
    import keras

    class Ask(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if not sys.stdin.readline():
                sys.exit()
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            say(seconds=time.perf_counter() - self.start, accuracy=float(logs["val_accuracy"]))

    (x, y), (test_x, test_y) = load("train"), load("test")
    y, test_y = keras.utils.to_categorical(y, CLASSES), keras.utils.to_categorical(test_y, CLASSES)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Input((FEATURES,)), keras.layers.Dense(CLASSES, activation="softmax")])
    model.compile(optimizer=keras.optimizers.SGD(RATE), loss="categorical_crossentropy", metrics=["accuracy"])
    say(ready=f"Keras {keras.__version__} `fit`, TensorFlow {tensorflow.__version__}")
    model.fit(
        x, y, batch_size=BATCH, epochs=10**6, verbose=0, validation_data=(test_x, test_y), callbacks=[Ask()]
    )


run(peer)
