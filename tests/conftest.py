"""Settings of the whole suite."""

import pytest
import torch
from hypothesis import HealthCheck, settings

pytest_plugins = ["support.reported_benchmark", "support.tiny_text"]

# The networks of the tests are tiny: a second thread costs more than it brings, and much more where
# another process wants the core.
torch.set_num_threads(1)

# The same examples in every run, and no verdict on a busy machine's speed.
settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def _denormals():
    """Fusing flushes denormals for speed, which is a state of the processor, not of a test."""
    yield
    torch.set_flush_denormal(False)
