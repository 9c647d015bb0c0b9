"""What drives a migration; each backend is handed in, nothing below imports this room."""
