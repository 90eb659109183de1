"""The commands, one file each: its options, and what it does. The order is that of the help."""

from sklidh.cli.commands import check, extract, train, predict, demo, run
from sklidh.cli.commands import evaluate, select, reproduce, audit, report, info
