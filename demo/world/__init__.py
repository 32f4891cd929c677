"""The world around the shop: a payment gateway, a price service, and an inbox for what Tocsin sends."""
