"""Timings of every stage, to compare commits: ``asv continuous main HEAD``.

One class a stage. The first value of each parameter is the smallest, which the tests run once. What
is compiled is compiled in ``setup``: asv does not count it.
"""

from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch

from sklidh.datasets import make_glioma_phantoms
from sklidh.fusion import BatchedGridSearchCV, BRNNClassifier, InvariantSpecificFusionClassifier
from sklidh.images import RigidRegistration, read_case
from sklidh.nn import SAN
from sklidh.radiomics import read_settings
from sklidh.radiomics._extract import extract
from sklidh.selection import CorrelationPruner, LassoCVSelector, MannWhitneySelector


class OnImages:
    """Two phantoms on disk."""

    params = ([16, 32, 64],)
    param_names = ("size",)

    def setup(self, size):
        self.folder = TemporaryDirectory()
        self.X, _ = make_glioma_phantoms(self.folder.name, 2, size=size, spacing=128 / size)

    def teardown(self, size):
        self.folder.cleanup()


class Images(OnImages):
    """Reading, and registration of one sequence."""

    def setup(self, size):
        super().setup(size)
        self.register = RigidRegistration("T2", modalities=["T2", "FLAIR"], cache=False).fit(self.X)
        self.register.transform(self.X)

    def time_reading(self, size):
        read_case(self.X["T2"].iloc[0], self.X["mask"].iloc[0])

    def time_registration(self, size):
        self.register.transform(self.X)


class Radiomics(OnImages):
    """The engine alone, on one image in memory."""

    def setup(self, size):
        import SimpleITK as sitk

        super().setup(size)
        image, mask = read_case(self.X["T2"].iloc[0], self.X["mask"].iloc[0])
        self.arrays = sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(mask) > 0
        self.spacing = image.GetSpacing()[::-1]
        self.settings = read_settings("paper")
        self.time_paper(size)

    def time_paper(self, size):
        extract(*self.arrays, self.spacing, self.settings)

    peakmem_paper = time_paper


class Networks:
    """A step of training, and a prediction, of a batch of 16."""

    params = ([16, 72],)
    param_names = ("size",)

    def setup(self, size):
        torch.manual_seed(0)
        self.net = SAN(in_channels=1, n_classes=2)
        self.batch = torch.randn(16, 1, size, size)
        self.time_training(size)

    def time_training(self, size):
        self.net.train()(self.batch).sum().backward()

    def time_prediction(self, size):
        with torch.inference_mode():
            self.net.eval()(self.batch)


class Selection:
    """The paper's three steps on one modality."""

    params = ([50, 1001],)
    param_names = ("columns",)

    def setup(self, columns):
        rng = np.random.default_rng(0)
        self.y = np.arange(100) % 2
        self.X = rng.normal(size=(100, columns)) + 0.3 * self.y[:, None]

    def time_mann_whitney(self, columns):
        MannWhitneySelector().fit(self.X, self.y)

    def time_correlation(self, columns):
        CorrelationPruner(random_state=0).fit(self.X)

    def time_lasso(self, columns):
        LassoCVSelector(cv=5, random_state=0).fit(self.X, self.y)


class Fusion:
    """One training and a small grid of the fusion, and the Bayesian network."""

    params = ([30, 366],)
    param_names = ("patients",)

    def setup(self, patients):
        rng = np.random.default_rng(0)
        self.y = np.arange(patients) % 2
        X = rng.normal(size=(patients, 24)) + 0.5 * self.y[:, None]
        self.X = pd.DataFrame(X, columns=[f"{'T1' if k < 12 else 'T2'}__{k}" for k in range(24)])
        self.fusion = InvariantSpecificFusionClassifier(max_epochs=50, random_state=0)
        self.time_training(patients)

    def time_training(self, patients):
        self.fusion.fit(self.X, self.y)

    def time_grid(self, patients):
        grid = {"alpha": [0.3, 0.7], "beta": [0.3, 0.7], "gamma": [0.3, 0.7]}
        BatchedGridSearchCV(self.fusion, grid, cv=3).fit(self.X, self.y)

    def time_brnn(self, patients):
        BRNNClassifier(random_state=0).fit(self.X, self.y)
