"""The command `sklidh`, and ``python -m sklidh``: Ctrl-C is one line while Python imports, too."""

import sys


def main():
    """Run the command line."""
    try:
        # A second long, and before it no handler of the command line's own is there.
        from sklidh.cli import app
    except KeyboardInterrupt:
        print("\nInterrupted before any work began.", file=sys.stderr)
        sys.exit(130)
    app()


if __name__ == "__main__":
    main()
