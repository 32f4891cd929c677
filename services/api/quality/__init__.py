"""Code quality: reports of tools, scores by a documented formula, and the vulnerabilities that raise alerts."""
