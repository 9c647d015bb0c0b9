"""Two real Xen hosts on one machine, without hardware virtualisation, and migrations between them."""
