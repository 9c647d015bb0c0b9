"""Write the gallery: ``python -m tests.gallery [FILE]``."""

import sys

from tests.gallery import write

sys.stdout.write(f"Wrote {write(sys.argv[1] if len(sys.argv) > 1 else 'gallery.html')}.\n")
