"""Traffic between services: what our roles count by caller, and which connections the kernel holds open."""
