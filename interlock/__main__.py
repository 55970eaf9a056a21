"""`python -m interlock`: the command line, for machines whose scripts folder is not on the path."""

from interlock.scenarios.cli.main import main

if __name__ == "__main__":
    main()
