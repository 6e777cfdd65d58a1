"""Pages of pools, annotators, skills, certificates and availability."""

from workforce.admin import annotators, availability, pools, proofs

__all__ = ["annotators", "availability", "pools", "proofs"]
