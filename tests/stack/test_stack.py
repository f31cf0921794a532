"""The whole stack on a real Docker engine: brought up, asked for what it delivers, broken, and taken down.

The tests are one story and run in their order. An engine is started if none runs (engine.py says what that needs);
where no image registry can be reached, the embedded engine stands in for Arc, Grafana is left out, and it is said.
STACK_CACHE=FOLDER keeps the images of an engine of our own for the next run.
"""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from nascar.monitor.table import PIPELINE_METRICS
from nascar.telemetry.schema import LOW_RATE_TABLES, TABLES
from stack.panels import questions
from stack.ports import ask, ask_arc, ask_grafana, frame_rows, query_error
from tests.stack.engine import docker_engine
from tests.stack.running_stack import RATE, RunningStack, eventually, ledger_of, stack_on
from tests.stack.shell import attempt, say, step, tail

OTHER_TOKEN = "another-token-than-the-one-that-arc-began-with"
SERVER_COLUMNS = (
    "server_cpu_cores",
    "server_memory_mb",
    "server_read_mb_s",
    "server_write_mb_s",
    "server_disk_mb",
    "server_files",
)
QUESTIONS = "nascar-race"


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """The stack, up by `make up`."""
    cache = os.environ.get("STACK_CACHE")
    with (
        step("all of it"),
        docker_engine(Path(cache) if cache else None) as engine,
        stack_on(engine) as stack,
    ):
        with step("make up"):
            up = stack.make("up")
        assert up.returncode == 0, tail(up)
        assert "make doctor" in up.stdout
        yield stack


def test_every_service_is_healthy(stack: RunningStack) -> None:
    containers = stack.docker.containers()
    assert containers.keys() == stack.settings.services.keys()
    assert {one.service: one.health for one in containers.values()} == dict.fromkeys(containers, "healthy")


def test_every_table_is_filled_by_whoever_fills_it(stack: RunningStack) -> None:
    with step("rows in every table"):
        for table in (*TABLES, *LOW_RATE_TABLES, PIPELINE_METRICS):
            eventually(lambda name=table.name: stack.count(name), f"rows in {table.name}")  # type: ignore[misc]


def test_all_columns_arrive_as_the_schema_names_them(stack: RunningStack) -> None:
    for table in (*TABLES, *LOW_RATE_TABLES, PIPELINE_METRICS):
        reply = ask_arc(
            stack.url("arc", 8000),
            stack.token,
            f"SELECT * FROM {table.name} LIMIT 1",
            stack.database,
        )
        assert set(reply.body["columns"]) == {"time", *(column.name for column in table.columns)}


def test_the_pipeline_knows_what_the_server_uses_in_the_other_container(stack: RunningStack) -> None:
    columns = ", ".join(SERVER_COLUMNS)

    def all_known() -> bool:
        rows = stack.ask(f"SELECT {columns} FROM pipeline_metrics ORDER BY time DESC LIMIT 1")
        return None not in rows[0]

    eventually(all_known, f"a row of pipeline_metrics with {columns}")
    cores, memory_mb, _, _, disk_mb, files = stack.ask(
        f"SELECT {columns} FROM pipeline_metrics ORDER BY time DESC LIMIT 1"
    )[0]
    assert 0 < cores < 4
    assert 50 < memory_mb < stack.settings.services["arc"].memory_bytes / 1e6
    assert disk_mb > 0
    assert files > 0


def test_the_rate_is_that_of_the_settings(stack: RunningStack) -> None:
    rates = stack.ask("SELECT target_rate, offered_rate FROM pipeline_metrics ORDER BY time DESC LIMIT 3")
    assert {target for target, _ in rates} == {RATE}
    assert all(offered == pytest.approx(RATE, rel=0.2) for _, offered in rates)


def test_prometheus_can_read_the_metrics(stack: RunningStack) -> None:
    reply = ask(f"{stack.url('generator', 9464)}/metrics")
    assert reply.status == 200
    families = {family.name: family for family in text_string_to_metric_families(reply.text)}
    assert any(name.startswith("nascar_") for name in families)
    acknowledged = [
        sample.value
        for family in families.values()
        for sample in family.samples
        if "acknowledged" in sample.name and sample.name.endswith("_total")
    ]
    assert sum(acknowledged) > 0


def test_the_eight_questions_have_answers(stack: RunningStack) -> None:
    with step("the eight questions"):
        said = stack.compose(
            "exec", "-T", "generator", "nascar", "queries", "--url=http://arc:8000", "--json",
            f"--database={stack.database}",
        )  # fmt: skip
    answers = json.loads(said)["queries"]
    assert [answer["number"] for answer in answers] == list(range(1, 9))
    assert [answer["title"] for answer in answers if answer["error"] or not answer["rows"]] == []


def test_every_panel_of_every_dashboard_is_answered(stack: RunningStack) -> None:
    url, database = stack.url("arc", 8000), stack.database
    has_grafana = "grafana" in stack.settings.services
    asked, empty, wrong = questions(), [], []
    assert asked
    with step(f"{len(asked)} panels asked of Arc" + (" and through Grafana" if has_grafana else "")):
        for question in asked:
            name = f"{question.dashboard}: {question.panel}"
            reply = ask_arc(url, stack.token, question.at(time.time()), database)
            if reply.status != 200:
                wrong.append(f"{name}: {reply.said()}")
                continue
            if not reply.body["data"]:
                empty.append(name)
            if has_grafana:
                through = ask_grafana(
                    stack.url("grafana", 3000), question.sql, time.time(), question.window_s
                )
                error = query_error(through)
                if error or (reply.body["data"] and not frame_rows(through)):
                    wrong.append(f"{name}, through Grafana: {error or 'no rows'}")
    say(f"panels without a row so early in a race: {', '.join(empty) or 'none'}")
    assert wrong == []
    assert [name for name in empty if name.startswith(f"{QUESTIONS}: ")] == []
    # A page has something to show from the first minute on.
    for dashboard in {question.dashboard for question in asked}:
        there = sum(question.dashboard == dashboard for question in asked)
        assert sum(name.startswith(f"{dashboard}: ") for name in empty) < max(1, there / 2), dashboard


def test_grafana_where_it_is_serves_the_dashboards(stack: RunningStack) -> None:
    if "grafana" not in stack.settings.services:
        assert "no-registry" in stack.env["COMPOSE_FILE"]
        return
    for uid in {question.dashboard for question in questions()}:
        served = ask(f"{stack.url('grafana', 3000)}/api/dashboards/uid/{uid}")
        assert served.status == 200, uid
        assert served.body["dashboard"]["panels"]


def test_every_container_is_limited_and_confined_as_declared(stack: RunningStack) -> None:
    for name, service in stack.settings.services.items():
        described = stack.inspect(name)
        host = described["HostConfig"]
        assert host["Memory"] == service.memory_bytes, name
        assert host["NanoCpus"] == round(service.cores * 1e9), name
        assert host["PidsLimit"] == 512, name
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert not host["CapAdd"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert not host["Privileged"], name
        assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 5}, name
        published = [
            bound for ports in described["NetworkSettings"]["Ports"].values() for bound in ports or ()
        ]
        assert {bound["HostIp"] for bound in published} <= {"127.0.0.1"}, name
        assert len(published) == len(service.ports), name


def test_no_process_is_root_nor_has_a_way_to_become_it(stack: RunningStack) -> None:
    for name in stack.settings.services:
        status = stack.compose("exec", "-T", name, "cat", "/proc/1/status")
        values = dict(re.findall(r"^(\w+):\s+(.*)$", status, re.MULTILINE))
        uids = {int(uid) for uid in values["Uid"].split()}
        assert 0 not in uids, name
        assert int(values["CapEff"], 16) == 0, name
        assert values["NoNewPrivs"] == "1", name
        if name in ("retention", "generator"):
            # They read Arc's folders, which are open to this user alone.
            assert uids == {1000}, name


def test_no_container_can_write_into_its_image(stack: RunningStack) -> None:
    for name in stack.settings.services:
        for path in ("/probe", "/usr/probe", "/app/retention"):
            as_root = ("docker", "exec", "--user", "0", stack.container(name).name)
            command = [*as_root, "sh", "-c", f"echo > {path}"]
            written = attempt(command, env=stack.env)
            assert written.returncode != 0, (name, path)
            assert re.search("read-only|denied|nonexistent|no such", written.stderr, re.IGNORECASE), (
                written.stderr
            )
    volume = ["docker", "exec", stack.container("generator").name, "touch", "/arc-data/probe"]
    assert "Read-only file system" in attempt(volume, env=stack.env).stderr


def test_the_doctor_finds_every_hop_in_order(stack: RunningStack) -> None:
    with step("make doctor"):
        doctor = stack.make("doctor")
    assert doctor.returncode == 0, tail(doctor)
    assert "FAILED" not in doctor.stdout
    assert "unchecked" not in doctor.stdout
    assert doctor.stdout.splitlines()[-1].startswith("All is well. Next: ")
    assert ("left out" in doctor.stdout) == ("grafana" not in stack.settings.services)


def test_the_ledger_of_the_stream_is_what_arc_has(stack: RunningStack) -> None:
    with step("the generator stopped, its rows counted"):
        stack.compose("stop", "generator")
    log = stack.log("generator")
    ledger = ledger_of(log)
    assert ledger.keys() >= {table.name for table in (*TABLES, *LOW_RATE_TABLES)}
    for table in TABLES:
        counts = ledger[table.name]
        assert counts["scheduled"] > 10 * RATE / len(TABLES)
        assert counts["scheduled"] == counts["acknowledged"] + counts["failed"] + counts["missed"]
    for table in (*TABLES, *LOW_RATE_TABLES):
        assert stack.count(table.name) == ledger[table.name]["stored"] == ledger[table.name]["acknowledged"]
    assert stack.inspect("generator")["State"]["ExitCode"] in (0, 1)
    assert stack.count(PIPELINE_METRICS.name) > 10


def test_retention_removes_old_files_and_no_others(stack: RunningStack) -> None:
    """In the volume of the stack, whatever its server keeps there: files laid as Arc lays them."""
    database = stack.database
    folder = f"/app/data/arc/{database}"
    hour = "2026/11/24/03"
    minutes = {
        f"{folder}/engine_telemetry/{hour}/probe_old.parquet": 30,
        f"{folder}/tire_telemetry/{hour}/probe_old.parquet": 21,
        f"{folder}/engine_telemetry/{hour}/probe_new.parquet": 5,
        f"{folder}/lap_times/{hour}/probe_old.parquet": 600,
    }
    script = "".join(
        f"mkdir -p {path.rsplit('/', 1)[0]} && touch -d '{age} minutes ago' {path} || exit 1; "
        for path, age in minutes.items()
    )
    volume = f"{stack.project}_arc-data"
    in_volume = [
        "run",
        "--rm",
        "--user=1000:1000",
        "--network=none",
        f"--volume={volume}:/app/data",
        "--entrypoint=sh",
    ]
    image = stack.settings.services["retention"].image
    stack.engine.docker(*in_volume, image, "-c", script)

    def there() -> set[str]:
        listing = f"find {folder} -name 'probe_*'"
        return set(stack.engine.docker(*in_volume, image, "-c", listing).split())

    young_or_small = {path for path, age in minutes.items() if age <= 20 or "lap_times" in path}
    with step("retention"):
        eventually(lambda: there() == young_or_small, "old files of raw tables are gone, others are not", 30)
    stack.engine.docker(*in_volume, image, "-c", f"find {folder} -name 'probe_*' -delete")
    assert stack.container("retention").health == "healthy"


def test_a_short_token_and_a_taken_port_stop_the_start_with_what_to_do(stack: RunningStack) -> None:
    short = stack.make("up", "ARC_TOKEN=too-short")
    assert short.returncode != 0
    assert "ARC_TOKEN has 9 characters" in short.stderr
    assert "What to do: " in short.stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        busy = stack.make("up", f"ARC_PORT={port}")
    assert busy.returncode != 0
    assert f"Port {port} (arc) is taken" in busy.stderr
    assert re.search(r"make up ARC_PORT=\d+", busy.stderr)
    # Neither touched what is there.
    assert stack.container("arc").health == "healthy"


def test_the_doctor_sees_that_no_rows_come(stack: RunningStack) -> None:
    eventually(lambda: stack.newest_row_age_s() > 15, "the rows grow old")
    doctor = stack.make("doctor")
    assert doctor.returncode != 0
    assert "Generator is exited" in doctor.stderr
    assert "make up" in doctor.stderr
    assert "unchecked  retention" in doctor.stdout


def test_a_killed_arc_costs_what_the_ledger_says_and_the_stream_goes_on(stack: RunningStack) -> None:
    names = [table.name for table in TABLES]
    before = {name: stack.count(name) for name in names}
    stack.compose("start", "generator")
    eventually(lambda: stack.newest_row_age_s() < 3, "rows of the second race")
    time.sleep(3)
    arc = stack.container("arc").name
    with step("Arc killed and started again, until rows came"):
        stack.engine.docker("kill", "--signal=KILL", arc)
        stack.engine.docker("start", arc)
        eventually(lambda: stack.newest_row_age_s() < 5, "rows after Arc's restart", 90)
    assert stack.container("generator").is_running
    assert stack.inspect("generator")["RestartCount"] == 0
    stack.compose("stop", "generator")
    log = stack.log("generator")
    ledger = ledger_of(log)
    stored = {name: stack.count(name) - before[name] for name in names}
    assert {name: ledger[name]["stored"] for name in names} == stored
    for name in names:
        counts = ledger[name]
        assert counts["scheduled"] == counts["acknowledged"] + counts["failed"] + counts["missed"]
    lost = {name: ledger[name]["acknowledged"] - stored[name] for name in names}
    scheduled = sum(ledger[name]["scheduled"] for name in names)
    say(f"Arc's death cost {sum(lost.values()):,} acknowledged rows of {scheduled:,}")
    assert sum(lost.values()) > 0
    last = log[log.rindex("Ledger (rows)") :]
    for name, rows in lost.items():
        assert rows == 0 or re.search(rf"^{name} .* {rows:,} lost", last, re.MULTILINE), last
    assert "the server stored" in last
    assert stack.inspect("generator")["State"]["ExitCode"] == 1


def test_an_old_volume_keeps_its_token_and_the_doctor_says_so(stack: RunningStack) -> None:
    other = {**stack.env, "ARC_TOKEN": OTHER_TOKEN}
    changed = RunningStack(stack.engine, other, OTHER_TOKEN)
    changed.compose("up", "--detach", "--wait", "--no-deps", "arc")
    assert stack.count(TABLES[0].name) > 0
    doctor = changed.make("doctor")
    assert doctor.returncode != 0
    assert "Arc refuses ARC_TOKEN" in doctor.stderr
    assert "make reset" in doctor.stderr


def test_down_leaves_the_data_alone_and_reset_leaves_nothing(stack: RunningStack) -> None:
    with step("make down"):
        down = stack.make("down")
    assert down.returncode == 0, tail(down)
    assert "make reset" in down.stdout
    left = stack.left()
    assert (left["container"], left["network"], len(left["volume"])) == ([], [], 1)
    reset = stack.make("reset")
    assert reset.returncode == 0, tail(reset)
    assert "make up" in reset.stdout
    assert stack.left() == {"container": [], "network": [], "volume": []}


def test_a_bundle_brings_an_image_back_and_a_damaged_one_is_refused(
    stack: RunningStack, tmp_path: Path
) -> None:
    with step("make bundle"):
        saved = stack.make("bundle", f"OUT={tmp_path}")
    assert saved.returncode == 0, tail(saved)
    (bundle,) = tmp_path.iterdir()
    architecture = stack.engine.docker("version", "--format", "{{.Server.Os}}-{{.Server.Arch}}").strip()
    assert bundle.name == f"nascar-stack-{architecture}.tar"
    assert "Next: " in saved.stdout
    image = stack.settings.services["generator"].image
    before = image_id(stack, image)
    stack.engine.docker("image", "rm", "--force", image)
    assert not stack.engine.has_image(image)
    with step("make unbundle"):
        loaded = stack.make("unbundle", f"BUNDLE={bundle}")
    assert loaded.returncode == 0, tail(loaded)
    assert image_id(stack, image) == before
    flip_a_byte(bundle, bundle.stat().st_size // 2)
    refused = stack.make("unbundle", f"BUNDLE={bundle}")
    assert refused.returncode != 0
    assert "is not as it was written" in refused.stderr


def image_id(stack: RunningStack, image: str) -> Any:
    return json.loads(stack.engine.docker("image", "inspect", image))[0]["Id"]


def flip_a_byte(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 0xFF]))
