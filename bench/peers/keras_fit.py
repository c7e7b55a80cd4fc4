"""Keras: one `fit` with validation. A callback waits for a line of stdin before each epoch."""

import sys
import time

from common import BATCH, CLASSES, FEATURES, RATE, load, reply, run


def peer():
    import tensorflow  # Keras reports a missing backend only later
    import keras

    class WaitForLine(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if not sys.stdin.readline():
                sys.exit()
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            reply(seconds=time.perf_counter() - self.start, accuracy=float(logs["val_accuracy"]))

    (x, y), (test_x, test_y) = load("train"), load("test")
    y, test_y = keras.utils.to_categorical(y, CLASSES), keras.utils.to_categorical(test_y, CLASSES)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Input((FEATURES,)), keras.layers.Dense(CLASSES, activation="softmax")])
    model.compile(optimizer=keras.optimizers.SGD(RATE), loss="categorical_crossentropy", metrics=["accuracy"])
    reply(ready=f"Keras {keras.__version__} `fit`, TensorFlow {tensorflow.__version__}")
    model.fit(
        x, y, batch_size=BATCH, epochs=10**6, verbose=0, validation_data=(test_x, test_y), callbacks=[WaitForLine()]
    )


run(peer)
