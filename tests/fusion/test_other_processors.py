"""The same data and seed give the same probabilities on other processors.

Another kind of processor is imitated in a process of its own: the numerical libraries leave newer
instructions unused, so that their sums round differently.
"""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification

from sklidh.fusion import InvariantSpecificFusionClassifier

AVX512 = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
PROCESSORS = {
    "haswell": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_CBWR": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": AVX512,
    },
    "nehalem": {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": f"AVX2 FMA3 {AVX512}",
    },
}
SETTINGS = [
    {},
    {"groups": [["T1", "T1CE"], ["T2", "FLAIR"]], "bootstrap": True},
    {"difference": "cosine", "similarity": "cmd"},
    {"difference": "distance", "reconstruction": "norm"},
]


def probabilities():
    X, y = make_classification(80, 12, n_informative=8, random_state=0)
    # Rounded, because the data are also generated with different instructions.
    names = [f"{modality}__f{k}" for modality in ("T1", "T1CE", "T2", "FLAIR") for k in range(3)]
    X = pd.DataFrame(X.round(6), columns=names)
    fits = [InvariantSpecificFusionClassifier(random_state=0, **s).fit(X, y) for s in SETTINGS]
    return [fit.predict_proba(X)[:, 1].tolist() for fit in fits]


@pytest.mark.slow
@pytest.mark.parametrize("processor", PROCESSORS)
def test_probabilities_are_the_same_on_other_processors(processor):
    # Largest difference seen: 5e-13.
    there = subprocess.run(
        [sys.executable, __file__],
        env=os.environ | PROCESSORS[processor],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    found = np.array(json.loads(there.stdout))
    np.testing.assert_allclose(found, probabilities(), rtol=0, atol=1e-6)


if __name__ == "__main__":
    print(json.dumps(probabilities()))
