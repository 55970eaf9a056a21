"""`python -m interlock` and the command `interlock`: ends quietly when interrupted while it is still being loaded."""

import sys


def main() -> None:
    """Load the command line and run it."""
    try:
        from interlock.scenarios.cli.main import main as run
    except KeyboardInterrupt:
        print("interlock: interrupted", file=sys.stderr)
        sys.exit(3)
    run()


if __name__ == "__main__":
    main()
