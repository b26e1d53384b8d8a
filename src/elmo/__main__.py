"""`python -m elmo`: the command line."""

from elmo.cli.main import main

if __name__ == "__main__":
    main()
