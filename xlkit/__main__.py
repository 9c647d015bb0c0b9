"""The command line as `python -m xlkit`."""

from xlkit.cli import main

if __name__ == "__main__":
    main()
