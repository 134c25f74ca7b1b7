"""`python -m retainer`: the same as the command `retainer`."""

from retainer.server.cli import main

raise SystemExit(main())
