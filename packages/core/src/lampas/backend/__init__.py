"""Where arrays live: the CPU (NumPy), CUDA cards (CuPy) and a simulated device."""

from lampas.backend.device import Device, backend_of, from_host, namespace_of, to_host

__all__ = ["Device", "backend_of", "from_host", "namespace_of", "to_host"]
