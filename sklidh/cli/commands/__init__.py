"""The commands, each with its options and what it does. The order is that of the help."""

from sklidh.cli.commands import check, extract, train, predict, run
from sklidh.cli.commands import evaluate, select, reproduce, audit, info
