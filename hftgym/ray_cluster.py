"""A Ray cluster: the one that RAY_ADDRESS names, or one on this machine alone."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hftgym.extras import need

_OBJECT_STORE_BYTES = 200 << 20


@contextmanager
def ray_cluster(cpus: int) -> Iterator[Any]:
    """Join or start a cluster; yields the module ``ray``.

    One that this process has joined before is used and left as it is. One that is started here
    listens at the loopback address alone, and asks for a token.

    Args:
        cpus: Of a cluster that is started here.

    Raises:
        UsageError: Ray is not installed.
    """
    need("ray")
    if "ray" not in sys.modules:
        # Ray reads these once, when it is imported: set later, its servers would find no token.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    import ray

    if ray.is_initialized():
        yield ray
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if "RAY_ADDRESS" in os.environ:
        ray.init(**quiet)
    else:
        _listen_here_only()
        ray.init(
            num_cpus=cpus,
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE_BYTES,
            **quiet,
        )
    try:
        yield ray
    finally:
        ray.shutdown()


def _listen_here_only() -> None:
    """Turn Ray's switch to serve one machine; without it, its servers listen at every address.

    The variable is read where Ray is imported: by its servers from now on, here perhaps before.
    """
    from ray._private import ray_constants

    os.environ[ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR] = "0"
    ray_constants.ENABLE_RAY_CLUSTER = False
