"""Who asks: passwords, sessions, tokens, throttling of logins, and the guard before every endpoint."""
