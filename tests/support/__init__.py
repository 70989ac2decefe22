"""What several tests share: tiny data, reference implementations, a browser."""
