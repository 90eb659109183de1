"""The command `sklidh`, and ``python -m sklidh``: Ctrl-C is one line while Python imports, too."""

import sys


def main():
    """Run the command line."""
    try:
        # This takes a second, in which the command line cannot yet say what Ctrl-C means.
        from sklidh.cli import app
    except KeyboardInterrupt:
        print("\nInterrupted before any work began.", file=sys.stderr)
        sys.exit(130)
    app()


if __name__ == "__main__":
    main()
