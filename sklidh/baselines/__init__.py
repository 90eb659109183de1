"""The models of the paper's tables and common baselines, one function per model."""

from sklidh.baselines._ablation import (
    ablation_models,
    cnn,
    constraint_fusion,
    radiomics_only,
    regression_fusion,
)
from sklidh.baselines._common import (
    age,
    gradient_boosting,
    logistic_regression,
    majority,
    on_selected_columns,
    random_forest,
)
from sklidh.baselines._feature_table import (
    examine_feature_table,
    from_features,
    load_feature_table,
    modalities_of,
)
from sklidh.baselines._modalities import average_fusion, input_method, single_modality
from sklidh.baselines._paper import MODEL_4, PAPER_TABLES, RECOMMENDED
from sklidh.baselines._paper_comparison import (
    IN_SAMPLE,
    differences_from_paper,
    mean_selected,
    paper_table,
    selection_table,
)
from sklidh.baselines._published import JoinedNetwork, shi_2022, yan_2021, zhang_2021, zhang_2022
from sklidh.baselines._reproduce import reproduce
from sklidh.baselines._systems import STRENGTHS, YARDSTICKS, System, paper_systems, tuned

__all__ = [
    "IN_SAMPLE",
    "MODEL_4",
    "PAPER_TABLES",
    "RECOMMENDED",
    "STRENGTHS",
    "YARDSTICKS",
    "JoinedNetwork",
    "System",
    "ablation_models",
    "age",
    "average_fusion",
    "cnn",
    "constraint_fusion",
    "differences_from_paper",
    "examine_feature_table",
    "from_features",
    "gradient_boosting",
    "input_method",
    "load_feature_table",
    "logistic_regression",
    "majority",
    "mean_selected",
    "modalities_of",
    "on_selected_columns",
    "paper_systems",
    "paper_table",
    "radiomics_only",
    "random_forest",
    "regression_fusion",
    "reproduce",
    "selection_table",
    "shi_2022",
    "single_modality",
    "tuned",
    "yan_2021",
    "zhang_2021",
    "zhang_2022",
]
