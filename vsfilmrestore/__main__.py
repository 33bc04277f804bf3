"""``python -m vsfilmrestore``."""

import sys

from vsfilmrestore.cli.main import main

sys.exit(main())
