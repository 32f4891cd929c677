"""What `tocsin up` does: embedded servers, the four services as child processes, progress, and an orderly end."""
