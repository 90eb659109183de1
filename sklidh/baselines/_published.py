"""Table V: the published methods that the paper compares with, rebuilt from their descriptions."""

from collections.abc import Callable

from sklearn.pipeline import Pipeline

from sklidh.baselines._ablation import radiomics_only, regression_fusion
from sklidh.pipeline import make_idh_pipeline


def yan_2021(build: Callable = make_idh_pipeline, **options) -> Pipeline:
    """Build Yan et al. [9]: radiomics, a BRNN per sequence, and a regression; Model 2.

    Parameters
    ----------
    build : callable, default=make_idh_pipeline
        As in `cnn`.
    **options : object
        As in `radiomics_only`, which this is: Table V gives it the figures of Model 2.

    Returns
    -------
    Pipeline
    """
    return radiomics_only(build, **options)


def shi_2022(build: Callable = make_idh_pipeline, **options) -> Pipeline:
    """Build Shi et al. [17], the paper's preliminary work; Model 3.

    Parameters
    ----------
    build : callable, default=make_idh_pipeline
        As in `cnn`.
    **options : object
        As in `regression_fusion`, which this is: Table V gives it the figures of Model 3.

    Returns
    -------
    Pipeline
    """
    return regression_fusion(build, **options)
