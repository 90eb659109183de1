"""The paper's numbers are defaults or literals, and its tables agree with docs/paper.rst."""

import importlib.util
import inspect
import re
from pathlib import Path

import pytest
from scipy.stats import hypergeom

from sklidh import (
    CorrelationPruner,
    InvariantSpecificFusionClassifier,
    LassoCVSelector,
    MannWhitneySelector,
    RadiomicsExtractor,
    SANetFeaturizer,
    make_idh_pipeline,
)
from sklidh.baselines import PAPER_TABLES, constraint_fusion, late_fusion
from sklidh.baselines._paper import COLUMNS, PRINTED_WEIGHTS
from sklidh.evaluation import holdout
from sklidh.features import SANetClassifier
from sklidh.fusion import BRNNClassifier

ROOT = Path(__file__).parents[1]
PAPER_RST = (ROOT / "docs" / "paper.rst").read_text(encoding="utf-8")

NUMBERS = {
    # II.B, the preset that Yan et al. [9] and the counts of the section describe
    RadiomicsExtractor: {"settings": "paper"},
    # II.C and III.A and B: features, side of the slices, batches, learning rate, order
    SANetFeaturizer: {
        "n_features": 128,
        "size": 72,
        "batch_size": 16,
        "lr": 1e-4,
        "shuffle": False,
    },
    SANetClassifier: {
        "n_features": 128,
        "size": 72,
        "batch_size": 16,
        "lr": 1e-4,
        "shuffle": False,
    },
    # II.D: p >= .05 dropped, one of each pair with r > .9 removed at random, 10 folds
    MannWhitneySelector: {"alpha": 0.05},
    CorrelationPruner: {"threshold": 0.9, "method": "pearson"},
    LassoCVSelector: {"cv": 10, "rule": "minimum"},
    # II.E: sizes of projections and encoders, and the strength of each constraint
    InvariantSpecificFusionClassifier: {
        "projection_dim": 8,
        "hidden_dim": 2,
        "alpha": 0.7,
        "beta": 0.7,
        "gamma": 0.7,
    },
    # III.A: training to test 3:1
    holdout: {"test_size": 0.25, "n_repeats": 1},
}

PRINTED = """
I    Model 1                 .77 .70 .69 .70 .69
I    Model 2                 .77 .71 .74 .62 .67
I    Model 3                 .82 .77 .77 .77 .77
I    Model 4 (proposed)      .81 .79 .80 .75 .77
II   T1                      .53 .54 .53 .58 .57
II   T1CE                    .76 .74 .73 .73 .73
II   T2                      .56 .50 .49 .42 .45
II   FLAIR                   .68 .66 .66 .63 .64
III  Average                 .79 .74 .71 .78 .75
III  Regression              .82 .77 .77 .77 .77
III  Method 1                .79 .71 .65 .87 .74
III  Method 2                .77 .76 .78 .70 .74
III  Method 3                .81 .79 .80 .75 .77
V    Zhang et al. 2021 [8]   .77 .72 .72 .70 .71
V    Yan et al. 2021 [9]     .77 .71 .74 .62 .67
V    Zhang et al. 2022 [10]  .78 .76 .72 .83 .77
V    Shi et al. 2022 [17]    .82 .77 .77 .77 .77
V    Proposed method         .81 .79 .80 .75 .77
"""

COUNTS = """
Model 1                 42 19 44 18
Model 2                 37 13 50 23
Model 3                 46 14 49 14
Model 4 (proposed)      45 11 52 15
T1                      35 31 32 25
T1CE                    44 16 47 16
T2                      25 26 37 35
FLAIR                   38 20 43 22
Average                 47 19 44 13
Method 1                52 28 35 8
Method 2                42 12 51 18
Zhang et al. 2021 [8]   42 16 47 18
Zhang et al. 2022 [10]  50 19 44 10
"""


def lines(table):
    return [re.split(r"  +", line.strip()) for line in table.strip().splitlines()]


@pytest.fixture(scope="module")
def printed_tables():
    path = ROOT / "benchmarks" / "printed_tables.py"
    spec = importlib.util.spec_from_file_location("printed_tables", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("of", NUMBERS, ids=lambda of: of.__name__)
def test_every_number_of_the_paper_is_a_default(of):
    defaults = {name: p.default for name, p in inspect.signature(of).parameters.items()}
    assert {name: defaults[name] for name in NUMBERS[of]} == NUMBERS[of]


def test_the_pipeline_has_the_paper_s_defaults_too():
    pipeline = make_idh_pipeline(preset="paper")
    assert pipeline["register"].reference == "T2"
    assert pipeline["fusion"].groups == [("T1", "T1CE"), ("T2", "FLAIR")]
    branches = {name: branch for name, branch, _ in pipeline["intra"].transformers}
    assert list(branches) == ["T1", "T1CE", "T2", "FLAIR"]
    for branch in branches.values():
        parts = dict(branch["featureunion"].transformer_list)
        steps = [parts["radiomics"], parts["deep"], *(step for _, step in branch.steps[1:])]
        for step in steps:
            wanted = NUMBERS.get(type(step), {})
            assert {name: getattr(step, name) for name in wanted} == wanted
    for model in (pipeline, constraint_fusion()):
        wanted = NUMBERS[InvariantSpecificFusionClassifier]
        assert {name: getattr(model["fusion"], name) for name in wanted} == wanted
    late = late_fusion()["fusion"]
    assert type(late.estimator) is BRNNClassifier
    assert late.method == "regression"


def test_every_printed_figure_is_the_paper_s():
    printed = {
        (number, row.label): row.printed
        for number, table in PAPER_TABLES.items()
        for row in table.rows
        if row.printed is not None
    }
    expected = {
        (number, label): tuple(map(float, figures.split()))
        for number, label, figures in lines(PRINTED)
    }
    assert printed == expected
    assert COLUMNS == ("AUC", "Acc", "Pre", "Rec", "F1")
    assert PRINTED_WEIGHTS == {"T1": 0.40, "T1CE": 0.49, "T2": 0.30, "FLAIR": 0.47, "Bias": -0.28}


def test_one_test_set_alone_fits_all_rows(printed_tables):
    rows = printed_tables.printed_rows()
    assert len(rows) == 13
    fits = printed_tables.fitting(rows)
    assert [test for test, n_rows in fits.items() if n_rows == 13] == [(123, 60)]
    assert max(n_rows for (n, _), n_rows in fits.items() if n == 122) == 10
    found = {label: printed_tables.counts(row, 123, 60) for label, row in rows.items()}
    assert found == {label: [tuple(map(int, row.split()))] for label, row in lines(COUNTS)}


def test_the_printed_claims_are_what_the_counts_say(printed_tables):
    counts = {label: tuple(map(int, row.split())) for label, row in lines(COUNTS)}
    right = {label: tp + tn for label, (tp, _, tn, _) in counts.items()}
    assert (right["Model 4 (proposed)"], right["Model 3"]) == (97, 95)
    assert right["Zhang et al. 2022 [10]"] == 94
    assert printed_tables.chance_of(60, 123) == pytest.approx(0.011, abs=5e-4)
    assert hypergeom(509, 197, 123).sf(59) == pytest.approx(0.006, abs=5e-4)
    printed = {row.label: row.printed for row in PAPER_TABLES["I"].rows}
    before, proposed = printed["Model 3"], printed["Model 4 (proposed)"]
    lower = [name for name, a, b in zip(COLUMNS, before, proposed, strict=True) if b < a]
    assert lower == ["AUC", "Rec"]
    assert proposed[2] - before[2] == pytest.approx(0.03)
    aucs = {row.label: row.printed[0] for row in PAPER_TABLES["II"].rows}
    weights = {name: PRINTED_WEIGHTS[name] for name in aucs}
    assert sorted(aucs, key=aucs.get) == ["T1", "T2", "FLAIR", "T1CE"]
    assert sorted(weights, key=weights.get) == ["T2", "T1", "FLAIR", "T1CE"]


def test_the_page_shows_the_counts_and_intervals_that_the_script_prints(printed_tables, capsys):
    printed_tables.main()
    output = capsys.readouterr().out
    for label, *_ in lines(COUNTS):
        line = next(each for each in output.splitlines() if each.startswith(f"{label} "))
        counts, *figures = re.findall(r"\d+/ *\d+/ *\d+/ *\d+|0\.\d\d \[[\d., ]+\]", line)
        assert len(figures) == 3
        row = PAPER_RST[PAPER_RST.index(f"   * - {label}\n") :].split("   * - ")[1]
        assert counts.replace(" ", "") in row
        for figure in figures:
            assert figure in row
