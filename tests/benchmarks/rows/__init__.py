"""One file for each line of the table; a file is found by lying here and holding ``ROWS``."""
