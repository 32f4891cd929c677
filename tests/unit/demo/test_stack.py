import re
import stat

from demo.config import DemoConfig, DemoSettings
from demo.stack import CONFIG, PARTS, processes, variables

SETTINGS = DemoSettings(
    config=DemoConfig(), postgres_dsn="postgresql://u:p@h/shop", redis_url="redis://h/1", broker_url="redis://h/2"
)


def test_settings_are_private_and_read_back(tmp_path):
    path = tmp_path / "run" / "demo.json"
    SETTINGS.write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert DemoSettings.read(path) == SETTINGS


def test_every_variable_of_the_config_is_given():
    used = set(re.findall(r"\$\{([A-Z_]+)\}", CONFIG.read_text()))
    assert used - {"NAME", "TOCSIN_API", "TOCSIN_COLLECTOR", "TOCSIN_DATA_DIR"} == set(variables(SETTINGS))


def test_one_process_a_part(tmp_path):
    started = processes(tmp_path / "demo.json")
    assert [p.name for p in started] == [f"demo-{part}" for part in PARTS]
    assert all(p.env["TOCSIN_DEMO_SETTINGS"] == str(tmp_path / "demo.json") for p in started)
