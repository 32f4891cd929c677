"""Scraping: targets from prometheus.yml's scrape_configs, pages parsed into columns."""
