-- Logins that a provider of OpenID Connect vouches for have no password here.
ALTER TABLE users ALTER COLUMN password_hash DROP NOT NULL;
ALTER TABLE users ADD COLUMN oidc_issuer text, ADD COLUMN oidc_subject text;
ALTER TABLE users ADD CONSTRAINT users_can_log_in CHECK (password_hash IS NOT NULL OR oidc_subject IS NOT NULL);
ALTER TABLE users ADD CONSTRAINT users_provider_whole CHECK ((oidc_issuer IS NULL) = (oidc_subject IS NULL));
CREATE UNIQUE INDEX users_provider ON users (oidc_issuer, oidc_subject) WHERE oidc_subject IS NOT NULL;
