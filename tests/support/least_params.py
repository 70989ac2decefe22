"""The least that a params.yaml holds: what has no default."""

BASE = {
    "profile": "demo",
    "seed": 0,
    "datasets": {"simulator": {}},
    "encoders": ["hash"],
    "methods": {"average": {}, "ours": {}},
}
