"""A small shop: orders, payments, a feed, and background tasks."""
