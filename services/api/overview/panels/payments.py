"""Payments of the watched app: panels without a card; their alerts count in the overall state."""

from services.api.overview.spec import ComponentSpec, PanelSpec

COMPONENT = ComponentSpec(
    key="payments",
    title="Payments",
    card=(),
    others=(
        PanelSpec("payment_failures", "Payment failures", "tocsin:payment_failure_ratio", "ratio"),
        PanelSpec("payments", "Payments", "tocsin:payments_per_second", "per_second"),
    ),
)
