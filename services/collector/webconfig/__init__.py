"""exporter-toolkit's web configuration file: TLS, basic auth, headers and a rate limit for our own pages."""
