"""The keys of a service: those that we run, those of Compose that we do not, and those that we refuse (R4.7)."""

KEYS = (
    "build", "cap_add", "cap_drop", "command", "container_name", "cpus", "depends_on", "deploy", "entrypoint",
    "env_file", "environment", "expose", "extra_hosts", "healthcheck", "hostname", "image", "init", "labels",
    "mem_limit", "mem_reservation", "networks", "pids_limit", "ports", "read_only", "restart", "secrets",
    "security_opt", "stop_grace_period", "tmpfs", "user", "volumes", "working_dir",
)  # fmt: skip
UNSUPPORTED = (
    "annotations", "attach", "blkio_config", "cgroup", "cgroup_parent", "configs", "cpu_count", "cpu_percent",
    "cpu_quota", "cpu_shares", "cpuset", "credential_spec", "develop", "device_cgroup_rules", "devices", "dns",
    "dns_search", "domainname", "external_links", "extends", "gpus", "group_add", "ipc", "isolation", "links",
    "logging", "mac_address", "memswap_limit", "network_mode", "oom_kill_disable", "pid", "platform",
    "privileged", "profiles", "pull_policy", "runtime", "scale", "shm_size", "stdin_open", "stop_signal",
    "storage_opt", "sysctls", "tty", "ulimits", "userns_mode", "uts", "volumes_from",
)  # fmt: skip
REFUSED = {
    "privileged": "would make the container the machine itself",
    "pid": "would show the container the machine's processes",
    "ipc": "would give the container the machine's shared memory",
    "network_mode": "would take the container off the stack's network",
    "profiles": "are not used here: tiers in x-aistack say what comes up",
    "devices": "would give the container hardware of the machine",
}
