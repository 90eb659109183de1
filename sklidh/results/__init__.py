"""A run's results on disk: their folder, their record, and whether two runs are the same."""

from sklidh.results._folder import (
    FORMULA,
    MEASURES,
    REPORT,
    package_versions,
    predictions_as_csv,
    write_run,
)
from sklidh.results._place import check_out, claimed, replaced
from sklidh.results._record import OF_THE_RECORD, RUN, PlaceError, read_record, record_path

__all__ = [
    "FORMULA",
    "MEASURES",
    "OF_THE_RECORD",
    "REPORT",
    "RUN",
    "PlaceError",
    "check_out",
    "claimed",
    "package_versions",
    "predictions_as_csv",
    "read_record",
    "record_path",
    "replaced",
    "write_run",
]
