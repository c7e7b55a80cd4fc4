"""Classifies wines by their chemical analysis with one of two models.

The only argument is a JSON file with the hyperparameters. The seed splits the 178 wines into
training, validation and test set, so every setting sees the same splits.
"""

import json
import sys

from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

with open(sys.argv[1]) as file:
    params = json.load(file)
seed = params["seed"]

x, y = load_wine(return_X_y=True)
x_train, x_rest, y_train, y_rest = train_test_split(
    x, y, test_size=0.5, stratify=y, random_state=seed
)
x_val, x_test, y_val, y_test = train_test_split(
    x_rest, y_rest, test_size=0.5, stratify=y_rest, random_state=seed
)

if params["model"] == "svm":
    model = SVC(C=params["C"])
    if params["scale"]:
        model = make_pipeline(StandardScaler(), model)
else:
    model = RandomForestClassifier(params["trees"], max_depth=params["depth"], random_state=seed)
model.fit(x_train, y_train)

# Each number of this line is recorded as a final metric of the trial.
print(
    json.dumps(
        {
            "train_accuracy": model.score(x_train, y_train),
            "val_accuracy": model.score(x_val, y_val),
            "test_accuracy": model.score(x_test, y_test),
        }
    )
)
