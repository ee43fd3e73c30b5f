"""`python -m orchestration` is `leadline`."""

from cli.main import main

if __name__ == "__main__":
    main()
