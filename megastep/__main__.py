"""`python -m megastep` is the `megastep` command."""

import os
import sys

from megastep.cli import main

if __name__ == '__main__':
    status = main()
    if int(os.environ.get('WORLD_SIZE', '1')) > 1:
        # Gloo's threads outlive the processes' group, and now and then abort a process that ends as others do.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
