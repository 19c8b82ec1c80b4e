"""The keys of Compose that we understand, and those that Compose has and we do not."""

from __future__ import annotations

from collections.abc import Mapping


def each(names: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(names.split())


FILE = frozenset({"name", "services", "volumes", "networks", "secrets", "version"})
FILE_REFUSED = {
    "configs": "mount the file with volumes",
    "include": "name the files one after the other",
    "models": "",
}
SERVICE = each(
    "build cap_add cap_drop command container_name cpus depends_on deploy entrypoint env_file environment expose "
    "extra_hosts healthcheck hostname image init labels mem_limit mem_reservation networks pids_limit ports read_only "
    "restart secrets security_opt stop_grace_period tmpfs user volumes working_dir"
)
FORBIDDEN: Mapping[str, str] = {
    "privileged": "a privileged container owns the machine; name the one capability that it needs in cap_add",
    "network_mode": "a service joins the networks of its stack and never the host's; use networks and ports",
    "pid": "a container sees its own processes only; leave it out",
    "ipc": "a container shares memory with no other and never with the host; leave it out",
    "uts": "a container has its own host name; use hostname",
    "userns_mode": "the user namespace is Podman's own choice; leave it out",
    "cgroup": "a container has its own control group; leave it out",
    "devices": "a container gets no device of the host; leave it out",
}
"""Keys that would break R4.7; the values that change nothing (``privileged: false``) are taken."""
HARMLESS: Mapping[str, tuple[object, ...]] = {"privileged": (False,), "network_mode": ("bridge",), "ipc": ("private",)}
SERVICE_REFUSED: Mapping[str, str] = {
    **dict.fromkeys(
        each(
            "annotations attach blkio_config cgroup_parent cpu_count cpu_percent cpu_period cpu_quota "
            "cpu_rt_period cpu_rt_runtime cpu_shares cpuset credential_spec develop device_cgroup_rules dns "
            "dns_opt dns_search domainname external_links gpus group_add isolation label_file links mac_address "
            "mem_swappiness memswap_limit models oom_kill_disable oom_score_adj platform post_start pre_stop "
            "provider runtime shm_size stdin_open stop_signal storage_opt sysctls tty ulimits use_api_socket "
            "volumes_from"
        ),
        "",
    ),
    "configs": "mount the file with volumes",
    "extends": "use a YAML anchor and << in the same file",
    "logging": "logs are read through Podman's own driver, so leave it out",
    "profiles": "services are chosen by tier or by name, so leave it out",
    "pull_policy": "an image is pulled when it is missing, and updated by approval",
    "scale": "a service has one container",
}
DEPLOY_REFUSED = {
    "replicas": "a service has one container",
    "restart_policy": "self-heal is the one restarter; see heal in x-aistack",
    **dict.fromkeys(("mode", "labels", "placement", "update_config", "rollback_config", "endpoint_mode"), ""),
}
HEALTH = frozenset({"test", "interval", "timeout", "retries", "start_period", "disable"})
HEALTH_REFUSED = {"start_interval": ""}
BUILD = frozenset({"context", "dockerfile", "args"})
BUILD_REFUSED = dict.fromkeys(
    each(
        "additional_contexts cache_from cache_to dockerfile_inline entitlements extra_hosts isolation labels network "
        "no_cache platforms privileged provenance pull sbom secrets shm_size ssh tags target ulimits"
    ),
    "",
)
VOLUME = frozenset({"name", "external", "labels", "driver"})
NETWORK = frozenset({"name", "external", "internal", "labels", "driver"})
TABLE_REFUSED = dict.fromkeys(
    ("driver_opts", "ipam", "attachable", "enable_ipv4", "enable_ipv6", "template_driver"),
    "",
)
SECRET = frozenset({"name", "file", "external"})
SECRET_REFUSED = {
    "environment": "the environment of a process is no place for a secret, so use file, or generate in x-aistack",
    **TABLE_REFUSED,
}
DANGEROUS = each(
    "ALL SYS_ADMIN SYS_MODULE SYS_RAWIO SYS_BOOT SYS_PTRACE DAC_READ_SEARCH BPF PERFMON MAC_ADMIN MAC_OVERRIDE"
)
"""Capabilities with which a container is as good as privileged."""
