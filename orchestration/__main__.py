"""`python -m orchestration` is `leadline`."""

from orchestration.cli import main

if __name__ == "__main__":
    main()
