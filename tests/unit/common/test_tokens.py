import stat
from concurrent.futures import ThreadPoolExecutor

from services.common.tokens import ensure_token_file, hash_token, new_token


def test_tokens_are_long_and_different():
    assert len(new_token()) >= 43
    assert new_token() != new_token()
    assert len(hash_token("a")) == 32


def test_a_token_file_is_private_and_kept(tmp_path):
    path = tmp_path / "secrets" / "token"
    token = ensure_token_file(path)
    assert ensure_token_file(path) == token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["token"]


def test_of_many_starters_one_sets_it(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        tokens = set(pool.map(lambda _: ensure_token_file(tmp_path / "token"), range(64)))
    assert len(tokens) == 1
