"""Keys of Prometheus' scrape_configs that we know but don't do: refused with a clear word, never ignored."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from services.common.config import StrictModel


def _refuse(_value: Any) -> Any:
    raise ValueError(
        "Prometheus knows this key, Tocsin does not do it yet; use static_configs, file_sd_configs or http_sd_configs"
    )


NotYet = Annotated[None, BeforeValidator(_refuse)]


class OtherDiscovery(StrictModel):
    """Service discoveries that are refused by name, each at its own line."""

    dns_sd_configs: NotYet = None
    kubernetes_sd_configs: NotYet = None
    consul_sd_configs: NotYet = None
    ec2_sd_configs: NotYet = None
    gce_sd_configs: NotYet = None
    azure_sd_configs: NotYet = None
    digitalocean_sd_configs: NotYet = None
    docker_sd_configs: NotYet = None
    dockerswarm_sd_configs: NotYet = None
    eureka_sd_configs: NotYet = None
    hetzner_sd_configs: NotYet = None
    ionos_sd_configs: NotYet = None
    kuma_sd_configs: NotYet = None
    lightsail_sd_configs: NotYet = None
    linode_sd_configs: NotYet = None
    marathon_sd_configs: NotYet = None
    nerve_sd_configs: NotYet = None
    nomad_sd_configs: NotYet = None
    openstack_sd_configs: NotYet = None
    ovhcloud_sd_configs: NotYet = None
    puppetdb_sd_configs: NotYet = None
    scaleway_sd_configs: NotYet = None
    serverset_sd_configs: NotYet = None
    stackit_sd_configs: NotYet = None
    triton_sd_configs: NotYet = None
    uyuni_sd_configs: NotYet = None
    vultr_sd_configs: NotYet = None
    sigv4: NotYet = None
    azuread: NotYet = None


def _refuse_true(value: bool) -> bool:  # noqa: FBT001 - pydantic calls it
    if value:
        raise ValueError("native histograms are not kept yet; remove this key or set it to false")
    return value


NoHistograms = Annotated[bool, AfterValidator(_refuse_true)]


class NativeHistogramKeys(StrictModel):
    """Keys about native histograms: what asks for them is refused, what asks for classic ones is what we do anyway."""

    scrape_native_histograms: NoHistograms = False
    convert_classic_histograms_to_nhcb: NoHistograms = False
    scrape_classic_histograms: bool = True
    always_scrape_classic_histograms: bool = True
    native_histogram_bucket_limit: int = 0
    native_histogram_min_bucket_factor: float = 0.0


def _refuse_key(_value: Any) -> Any:
    raise ValueError("Prometheus knows this key, Tocsin does not do it yet; remove it")


class OtherKeys(StrictModel):
    """Further keys that are refused by name."""

    scrape_failure_log_file: Annotated[None, BeforeValidator(_refuse_key)] = None
    extra_scrape_metrics: Annotated[None, BeforeValidator(_refuse_key)] = None
    proxy_connect_header: Annotated[None, BeforeValidator(_refuse_key)] = None
