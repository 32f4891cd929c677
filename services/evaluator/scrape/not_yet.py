"""Keys of Prometheus' scrape_configs that we know but don't do: refused with a clear word, never ignored."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from services.common.config import StrictModel


def _refuse(_value: Any) -> Any:
    raise ValueError("Prometheus knows this key, Tocsin does not do it yet; use static_configs or file_sd_configs")


NotYet = Annotated[None, BeforeValidator(_refuse)]


class OtherDiscovery(StrictModel):
    """Service discoveries that are refused by name, each at its own line."""

    http_sd_configs: NotYet = None
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
    oauth2: NotYet = None
    sigv4: NotYet = None
    azuread: NotYet = None


def _refuse_histograms(_value: Any) -> Any:
    raise ValueError("native histograms are not kept yet; remove this key")


NoHistograms = Annotated[None, BeforeValidator(_refuse_histograms)]


class NativeHistogramKeys(StrictModel):
    """Keys about native histograms, refused until the head keeps them."""

    scrape_native_histograms: NoHistograms = None
    scrape_classic_histograms: NoHistograms = None
    always_scrape_classic_histograms: NoHistograms = None
    convert_classic_histograms_to_nhcb: NoHistograms = None
    native_histogram_bucket_limit: NoHistograms = None
    native_histogram_min_bucket_factor: NoHistograms = None
