"""The models of the paper's tables and common baselines, in one registry."""

from sklidh.baselines._feature_table import (
    examine_feature_table,
    from_features,
    load_feature_table,
    modalities_of,
)
from sklidh.baselines._models import (
    cnn,
    constraint_fusion,
    late_fusion,
    majority,
    on_selected_columns,
    one_number,
    single_modality,
)
from sklidh.baselines._paper import PAPER_TABLES
from sklidh.baselines._paper_comparison import (
    IN_SAMPLE,
    differences_from_paper,
    mean_selected,
    paper_table,
    selection_table,
)
from sklidh.baselines._perturbed_table import join_perturbed, split_perturbed
from sklidh.baselines._published import JoinedNetwork, zhang_2021, zhang_2022
from sklidh.baselines._reproduce import reproduce
from sklidh.baselines._system import System, tuned
from sklidh.baselines._systems import (
    MODEL_4,
    RECOMMENDED,
    STRENGTHS,
    YARDSTICKS,
    ablation_models,
    paper_systems,
)

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
    "cnn",
    "constraint_fusion",
    "differences_from_paper",
    "examine_feature_table",
    "from_features",
    "join_perturbed",
    "late_fusion",
    "load_feature_table",
    "majority",
    "mean_selected",
    "modalities_of",
    "on_selected_columns",
    "one_number",
    "paper_systems",
    "paper_table",
    "reproduce",
    "selection_table",
    "single_modality",
    "split_perturbed",
    "tuned",
    "zhang_2021",
    "zhang_2022",
]
