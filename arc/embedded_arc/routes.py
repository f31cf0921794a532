"""All routes of the engine, and who may use each."""

from __future__ import annotations

from collections.abc import Mapping

from embedded_arc import admin_routes, health_routes, query_routes, write_routes
from embedded_arc.server import Handler, needs


def routes() -> Mapping[tuple[str, str], Handler]:
    """Method and path of every route."""
    tokens, databases = "/api/v1/auth/tokens", "/api/v1/databases"
    return {
        ("GET", "/ready"): health_routes.ready,
        ("GET", "/health"): health_routes.health,
        ("GET", "/metrics"): health_routes.metrics,
        ("GET", "/api/v1/metrics"): health_routes.metrics,
        ("GET", "/api/v1/auth/verify"): admin_routes.verify,
        ("POST", "/api/v1/write/msgpack"): needs("write", write_routes.write_msgpack),
        ("GET", "/api/v1/write/msgpack/stats"): needs(None, write_routes.write_stats),
        ("POST", "/api/v1/write/line-protocol/flush"): needs("admin", write_routes.flush),
        ("POST", "/api/v1/query"): needs("read", query_routes.query),
        ("POST", "/api/v1/query/arrow"): needs("read", query_routes.query_arrow),
        ("POST", "/api/v1/query/estimate"): needs("read", query_routes.estimate),
        ("GET", "/api/v1/measurements"): needs("read", query_routes.measurements),
        ("GET", databases): needs("read", admin_routes.list_databases),
        ("POST", databases): needs("admin", admin_routes.create_database),
        ("GET", f"{databases}/{{name}}"): needs("read", admin_routes.get_database),
        ("DELETE", f"{databases}/{{name}}"): needs("admin", admin_routes.delete_database),
        ("GET", f"{databases}/{{name}}/measurements"): needs("read", admin_routes.list_tables),
        ("POST", "/api/v1/delete"): needs("admin", admin_routes.delete_rows),
        ("GET", "/api/v1/delete/config"): needs("admin", admin_routes.delete_config),
        ("POST", tokens): needs("admin", admin_routes.create_token),
        ("GET", tokens): needs("admin", admin_routes.list_tokens),
        ("GET", f"{tokens}/{{id}}"): needs("admin", admin_routes.get_token),
        ("PATCH", f"{tokens}/{{id}}"): needs("admin", admin_routes.update_token),
        ("DELETE", f"{tokens}/{{id}}"): needs("admin", admin_routes.delete_token),
        ("POST", f"{tokens}/{{id}}/rotate"): needs("admin", admin_routes.rotate_token),
        ("POST", f"{tokens}/{{id}}/revoke"): needs("admin", admin_routes.revoke_token),
    }
