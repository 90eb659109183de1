"""Entry point of `sklidh` and ``python -m sklidh``; handles Ctrl-C during imports too."""

import signal
import sys


def main():
    """Run the command line."""
    try:
        # The import takes a second, during which the command line cannot handle Ctrl-C yet.
        from sklidh.cli import app
    except KeyboardInterrupt:
        print("\nInterrupted before any work began.", file=sys.stderr)
        sys.exit(130)
    try:
        app()
    except SystemExit as end:
        if end.code == 130:
            # A second Ctrl-C would cut off the end of the workers, which takes a moment.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise


if __name__ == "__main__":
    main()
