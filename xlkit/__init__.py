"""xlkit: drive, record, compare and explain live migrations; the knobs of Xen's precopy loop on any host."""
