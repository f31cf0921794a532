"""What must hold once the stack runs: Arc, its token, rows, retention, metrics, Grafana and its way to Arc."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from stack.docker import Container, Docker
from stack.hops import Broken, Hop, LeftOut
from stack.panels import DASHBOARDS, PanelQuestion, questions
from stack.ports import NoAnswer, Reply, ask, ask_arc, ask_grafana, frame_rows, query_error
from stack.settings import Settings

NEWEST_ROW_WITHIN_S = 15
"""Rows arrive if the newest is not older: a flush, and the time that a busy machine needs to answer."""
_LOOK_BACK_S = 120
_QUESTIONS = "nascar-race"
"""The dashboard of the eight questions."""
_OTHER_TOKEN = (
    "Arc's data keeps the token that it began with. Give that one again (ARC_TOKEN in .env), "
    "or begin anew without the data: make reset && make up"
)


class RunHops:
    """The hops of a running stack, in order."""

    def __init__(
        self,
        docker: Docker,
        settings: Callable[[], Settings],
        dashboards: Path = DASHBOARDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.docker = docker
        self._settings = settings
        self._dashboards = dashboards
        self._clock = clock

    def hops(self) -> list[Hop]:
        return [
            Hop("Arc", self.arc),
            Hop("token accepted", self.token_accepted),
            Hop("rows arriving", self.rows_arriving),
            Hop("retention", self.retention),
            Hop("metrics", self.metrics),
            Hop("Grafana", self.grafana),
            Hop("plugin", self.plugin),
            Hop("datasource", self.datasource),
            Hop("a question", self.one_question),
        ]

    def arc(self) -> str:
        """Arc runs and says that it is ready."""
        self._must_run("arc")
        url = self._url("arc", 8000)
        reply = self._reach("arc", lambda: ask(f"{url}/ready"))
        if reply.status != 200:
            raise Broken(f"{url} is not ready: {reply.said()}", "Look at: docker compose logs arc")
        return f"ready at {url}"

    def token_accepted(self) -> str:
        """Arc takes our token."""
        reply = self._ask_arc("SELECT 1 AS n")
        if reply.status in (401, 403):
            raise Broken(f"Arc refuses ARC_TOKEN: {reply.said()}", _OTHER_TOKEN)
        if reply.status != 200:
            raise Broken(f"Arc answers no query: {reply.said()}", "Look at: docker compose logs arc")
        return "Arc takes ARC_TOKEN"

    def rows_arriving(self) -> str:
        """The newest row is a few seconds old."""
        now = self._clock()
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - _LOOK_BACK_S))
        # A literal bound: with a relative one Arc finds nothing for a minute after each full hour.
        reply = self._ask_arc(
            f"SELECT CAST(epoch(MAX(time)) AS DOUBLE) AS newest_s FROM engine_telemetry WHERE time >= '{since}'",
            self._settings().database,
        )
        if reply.status != 200:
            raise Broken(f"Arc cannot say: {reply.said()}", "Look at: docker compose logs arc")
        rows = reply.body.get("data") or [[None]]
        newest_s = rows[0][0]
        if newest_s is None or now - newest_s > NEWEST_ROW_WITHIN_S:
            age = (
                f"is {now - newest_s:.0f} s old"
                if newest_s
                else f"is older than {_LOOK_BACK_S} s, or there is none"
            )
            self._must_run("generator")
            raise Broken(
                f"the newest row of {self._settings().database} {age}",
                "Look at: docker compose logs generator; then start it again: docker compose restart generator",
            )
        return f"the newest is {max(0.0, now - newest_s):.1f} s old"

    def retention(self) -> str:
        """Old rows go, so that the disk lasts."""
        container = self._must_run("retention")
        if container.health != "healthy":
            raise Broken(
                f"retention is {container.health or 'not checked'}: old rows stay, and the disk fills",
                "Look at: docker compose logs retention; then start it again: docker compose restart retention",
            )
        return "healthy"

    def metrics(self) -> str:
        """The generator says how it is doing."""
        url = self._url("generator", 9464)
        reply = self._reach("generator", lambda: ask(f"{url}/metrics"))
        if reply.status != 200:
            raise Broken(f"{url}/metrics: {reply.said()}", "Look at: docker compose logs generator")
        return f"{url}/metrics"

    def grafana(self) -> str:
        """Grafana runs and is well."""
        self._must_have_grafana()
        self._must_run("grafana")
        url = self._url("grafana", 3000)
        reply = self._reach("grafana", lambda: ask(f"{url}/api/health"))
        if reply.status != 200:
            raise Broken(f"{url} is not well: {reply.said()}", "Look at: docker compose logs grafana")
        return f"runs at {url}"

    def plugin(self) -> str:
        """Grafana has loaded the plugin that asks Arc."""
        reply = self._ask_grafana("SELECT 1 AS n")
        message_id = reply.body.get("messageId", "") if isinstance(reply.body, dict) else ""
        if message_id == "plugin.notRegistered":
            raise Broken(
                "Grafana has not loaded the Arc datasource (plugin.notRegistered)",
                "Build Grafana's image again (make build, needs the network), then make up. If it stays so, "
                "docker compose logs grafana says why: the plugin is not signed, and "
                "GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS has to name it.",
            )
        return "loaded"

    def datasource(self) -> str:
        """A query reaches Arc through Grafana and comes back."""
        reply = self._ask_grafana("SELECT 1 AS n")
        error = query_error(reply)
        if not error:
            return "Grafana reaches Arc"
        lowered = error.lower()
        if any(word in lowered for word in ("401", "unauthorized", "token", "authentication")):
            fix = "Grafana has another token than Arc: docker compose up --detach grafana"
        elif any(word in lowered for word in ("private", "not allowed", "blocked")):
            fix = "This version of the plugin refuses private addresses: make build PLUGIN_VERSION=1.4.0 && make up"
        elif "not found" in lowered:
            fix = "Grafana's image does not name Arc as a datasource: make build && make up"
        else:
            fix = "Look at: docker compose logs grafana arc"
        raise Broken(f"Grafana gets no answer from Arc: {error}", fix)

    def one_question(self) -> str:
        """One of the eight questions has an answer with rows, asked as its panel asks it."""
        question = self._question()
        if "grafana" in self._settings().services:
            reply = self._ask_grafana(question.sql, question.window_s)
            error = query_error(reply)
            rows = 0 if error else frame_rows(reply)
        else:
            reply = self._ask_arc(question.at(self._clock()), self._settings().database)
            error = "" if reply.status == 200 else reply.said()
            rows = 0 if error else len(reply.body.get("data") or ())
        if error or not rows:
            raise Broken(
                f"{question.panel}: {error or 'no rows'}",
                "Wait ten seconds and try again. If it stays so, look at: docker compose logs arc generator",
            )
        return f"{question.panel}: {rows} rows"

    def _question(self) -> PanelQuestion:
        for question in questions(self._dashboards):
            if question.dashboard == _QUESTIONS:
                return question
        raise LeftOut(f"no dashboard {_QUESTIONS} in {self._dashboards}")

    def _must_have_grafana(self) -> None:
        if "grafana" not in self._settings().services:
            raise LeftOut("not part of this stack")

    def _must_run(self, service: str) -> Container:
        container = self.docker.containers().get(service)
        if container is None:
            for image in self._settings().images:
                if not self.docker.has_image(image):
                    raise Broken(
                        f"{service} was not started: the image {image} is not there",
                        "See why it cannot be had: make build, make up (both need the network for it). "
                        "Without a network: make unbundle BUNDLE=nascar-stack-….tar",
                    )
            raise Broken(f"{service} was not started", "Start the stack: make up")
        if not container.is_running:
            if (
                self.docker.docker("inspect", "--format", "{{.State.OOMKilled}}", container.name).out.strip()
                == "true"
            ):
                raise Broken(
                    f"{service} was ended because it needed more memory than it may have",
                    f"Give it more, in .env or so: make up {service.upper()}_MEMORY=…",
                )
            raise Broken(
                f"{service} is {container.state}, its status was {container.exit_code}",
                f"Look at: docker compose logs {service}; then start it again: make up",
            )
        return container

    def _url(self, service: str, target: int) -> str:
        container = self.docker.containers().get(service)
        if container is None or target not in container.ports:
            self._must_run(service)
            raise Broken(f"{service} publishes no port", "Start the stack as it is set now: make up")
        return f"http://127.0.0.1:{container.ports[target]}"

    def _ask_arc(self, sql: str, database: str = "") -> Reply:
        url = self._url("arc", 8000)
        return self._reach("arc", lambda: ask_arc(url, self._settings().token, sql, database))

    def _ask_grafana(self, sql: str, window_s: float = 60) -> Reply:
        self._must_have_grafana()
        url = self._url("grafana", 3000)
        return self._reach("grafana", lambda: ask_grafana(url, sql, self._clock(), window_s))

    def _reach(self, service: str, asked: Callable[[], Reply]) -> Reply:
        try:
            return asked()
        except NoAnswer as error:
            self._must_run(service)
            raise Broken(
                f"{service} runs, but does not answer: {error}",
                f"Look at: docker compose logs {service}; then start it again: docker compose restart {service}",
            ) from None
