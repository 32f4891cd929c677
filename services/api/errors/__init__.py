"""Errors of watched services, as the collector groups them from their logs."""
