"""Write deploy/grafana/dashboards from deploy/grafana/panels."""

import sys

from scripts.grafana.document import render
from scripts.grafana.model import FOLDER, read_all


def main() -> int:
    """Write all dashboards; a test holds that they are current."""
    folder = FOLDER / "dashboards"
    folder.mkdir(exist_ok=True)
    for name, dashboard in read_all().items():
        (folder / f"{name}.json").write_text(render(dashboard), encoding="utf-8")
        print(f"deploy/grafana/dashboards/{name}.json: {len(dashboard.panels)} panels")
    return 0


if __name__ == "__main__":
    sys.exit(main())
