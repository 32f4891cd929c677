"""What several channels share: memory of messages, texts, replies, signatures, and the HTTP integration's base."""
