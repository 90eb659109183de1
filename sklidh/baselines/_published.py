"""Table V: published methods that the paper compares with, rebuilt from their descriptions."""

from collections.abc import Callable

from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline

from sklidh.baselines._models import cnn
from sklidh.pipeline import paper_pipeline
from sklidh.utils import DocumentedMixin


class JoinedNetwork(DocumentedMixin, ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Pass all feature columns of the input to a network, together with the images.

    The selected columns are known only after selection is fitted, so they cannot be listed in the
    network's parameters.

    Parameters
    ----------
    network : SANetClassifier
        Its `radiomics` parameter is set to the columns named ``MOD__name``.

    Attributes
    ----------
    network_ : fitted SANetClassifier
    classes_ : ndarray of shape (n_classes,)
    """

    def __init__(self, network):
        self.network = network

    def fit(self, X, y):
        """Train the network on images and features.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            Images, ``mask`` and features.
        y : array-like of shape (n_patients,)

        Returns
        -------
        self
        """
        features = [name for name in X.columns if "__" in name]
        self.network_ = clone(self.network).set_params(radiomics=features).fit(X, y)
        self.classes_ = self.network_.classes_
        return self

    def predict_proba(self, X):
        """Predict class probabilities.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)

        Returns
        -------
        ndarray of shape (n_patients, n_classes)
        """
        return self.network_.predict_proba(X)

    def predict(self, X):
        """Predict classes.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)

        Returns
        -------
        ndarray of shape (n_patients,)
        """
        return self.network_.predict(X)


def zhang_2021(build: Callable = paper_pipeline, *, deep=None) -> Pipeline:
    """Build Zhang et al. [8]: one self-attention network that weights the modalities as channels.

    Parameters
    ----------
    build : callable, default=paper_pipeline
        As in `cnn`. Every patient needs every modality.
    deep : SANetFeaturizer, default=None
        As in `cnn`.

    Returns
    -------
    Pipeline
        Steps ``register`` and ``network``.

    References
    ----------
    X. Zhang et al., "IDH mutation status prediction by modality self attention network", 2021: a
    reconstruction. The slice's modalities are the channels of one image, and a
    squeeze-and-excitation block [16] weights them; sizes and training are those of `cnn`.
    """
    return cnn(build, deep=deep, fusion="channels", channel_attention=True)


def zhang_2022(build: Callable = paper_pipeline, *, deep=None) -> Pipeline:
    """Build Zhang et al. [10]: the network of `zhang_2021` with radiomics added to its features.

    Parameters
    ----------
    build : callable, default=paper_pipeline
        As in `cnn`. Every patient needs every modality.
    deep : SANetFeaturizer, default=None
        As in `cnn`.

    Returns
    -------
    Pipeline
        Steps ``register``, ``join`` and ``network``.

    References
    ----------
    X. Zhang et al., "IDH mutation status prediction by a radiomics associated modality attention
    network", 2022: a reconstruction. Radiomics and selection are those of Model 2.
    """
    pipeline, attention = build(deep=None), zhang_2021(build, deep=deep)
    images = [name for name, *_ in pipeline["intra"].transformers]
    join = ColumnTransformer(
        [
            ("features", make_pipeline(pipeline["intra"], SimpleImputer()), [*images, "mask"]),
            ("images", "passthrough", [*images, "mask"]),
        ],
        verbose_feature_names_out=False,
    )
    network = JoinedNetwork(attention["network"])
    return Pipeline(
        [attention.steps[0], ("join", join), ("network", network)], memory=pipeline.memory
    ).set_output(transform="pandas")
