"""What one scrape costs beside the peers' exporters: `python -m bench.collectors [--quick] [--json FILE] [NAME…]`."""
