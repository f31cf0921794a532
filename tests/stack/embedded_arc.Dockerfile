# The embedded engine in Arc's place, for a machine that cannot get Arc's image: uid, workdir and volume as there.
ARG PYTHON_VERSION
FROM python:${PYTHON_VERSION}-slim

RUN python -m venv /opt/arc
ENV PATH=/opt/arc/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /src
COPY requirements/demo.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/demo.txt
COPY pyproject.toml README.md ./
COPY queries queries
COPY arc/embedded_arc arc/embedded_arc
COPY generator generator
RUN pip install --no-cache-dir --no-build-isolation --no-deps .

RUN useradd --uid 1000 --create-home arc && mkdir -p /app/data && chown -R arc /app
USER arc
WORKDIR /app
VOLUME ["/app/data"]
ENTRYPOINT ["python", "-m", "embedded_arc", "--host", "0.0.0.0", "--port", "8000", "--data-dir", "/app/data"]
