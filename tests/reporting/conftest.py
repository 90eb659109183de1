"""A run that no model was trained for, whose every text would do harm if it were not escaped."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imsave

from sklidh.evaluation import Comparison, Evaluation
from sklidh.reporting import Run

HOSTILE = "<script>alert(1)</script>"


def evaluation(seed):
    rng = np.random.default_rng(seed)
    probability = rng.random(10)
    table = {"repeat": 0, "fold": 0, "n_trained": 20, "true": [True, False] * 5}
    table |= {"score": probability, "probability": probability, "threshold": 0.5}
    table |= {"called": probability >= 0.5}
    return Evaluation(pd.DataFrame(table, index=[HOSTILE, *(f"P{i}" for i in range(9))]))


def image(kind):
    buffer = io.BytesIO()
    imsave(buffer, np.random.default_rng(0).random((24, 24, 3)), format=kind)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def hostile():
    """Return the text that stands for whatever a cohort's table may hold."""
    return HOSTILE


@pytest.fixture(scope="session")
def run():
    """Return a run of two models and ten predicted patients, of thirty."""
    picture = base64.b64encode(image("jpg")).decode()
    left = {"all": [1001], "Mann-Whitney": [91], "correlation": [47], "LASSO": [1]}
    extracted = {"radiomics": 873, "deep": 128}
    selected = {"modality": ["T1", HOSTILE], "kind": ["radiomics", "deep"]}
    selected |= {"feature": [HOSTILE, "sanet007"], "p": [0.0123, np.nan]}
    selected |= {"coefficient": [-0.25, np.nan], "selected": 1, "models": 1}
    settings = {"modalities": ["T1", HOSTILE], "groups": [["T1", HOSTILE]], "reference": "T1"}
    settings |= {"radiomics": HOSTILE, "engine": "native", "missing": "nan", "slice_size": 72}
    settings |= {"epochs": 20, "train_features": "in_sample", "seed": 7, "test_size": 0.25}
    words = ("classifier", "steps", "image types", "feature classes", "resampling")
    words += ("discretisation", "dimensions", "normalisation")
    cohort = {"patients": [15, 15, 30], f"without {HOSTILE}": [1, 0, 1]}
    return Run(
        title=f"A run of {HOSTILE}",
        written="2026-11-24T12:00:00+00:00",
        comparison=Comparison({"Model 1": evaluation(0), HOSTILE: evaluation(1)}),
        cohort=pd.DataFrame(cohort, index=pd.Index(["0", HOSTILE, "all"], name=HOSTILE)),
        groups=pd.DataFrame({"patients": ["6"], "AUC": ["0.6 [0.2, 0.9]"]}, [f"site {HOSTILE}"]),
        features=pd.DataFrame(selected),
        flow={name: {"extracted": extracted, "left": left} for name in ("T1", HOSTILE)},
        training_classes=[10, 10],
        learning={"networks": {"curves": {HOSTILE: [0.7, 0.5]}, "of_networks": True}},
        figures={"roc": (image("png"), f"A curve of {HOSTILE}.")},
        slices={
            HOSTILE: {"T1": picture, HOSTILE: picture},
            "P0": {"T1": picture},
            "in training": {},
        },
        attention={HOSTILE: {"T1": picture}},
        settings=settings,
        description={name: f"{name} of {HOSTILE}" for name in words},
        versions={"sklidh": "0.1.0", "numpy": HOSTILE},
        notes=["Few patients.", HOSTILE],
        warnings=[HOSTILE, "patient 'P1': 3 voxels", "patient 'P2': 5 voxels"],
        yardsticks={"Age alone": evaluation(2)},
        command=f"sklidh run --config {HOSTILE}",
    )
