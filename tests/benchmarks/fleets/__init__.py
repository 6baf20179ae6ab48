"""A simulation of fleets of speech replicas, whose scheduler is modelled chunk by chunk."""
