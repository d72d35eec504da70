"""What both services do in the same way. Needs the extra `rollcall-domain[service]`."""
