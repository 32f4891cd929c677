"""Login by an OpenID Connect provider: code flow with PKCE, checked ID tokens, roles from its claims."""
