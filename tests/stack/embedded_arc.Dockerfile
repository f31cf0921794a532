# The embedded engine in Arc's place, for a machine that cannot get Arc's image: uid and volume as there. It stands on
# the generator's image, which carries the engine's code along, so that only what it needs besides is installed.
FROM nascar-generator

USER root
COPY requirements/demo.txt requirements/
RUN /opt/nascar/bin/pip install --no-cache-dir --require-hashes -r requirements/demo.txt
RUN mkdir -p /app/data && chown -R nascar /app
USER nascar
WORKDIR /app
VOLUME ["/app/data"]
ENTRYPOINT ["python", "-m", "embedded_arc", "--host", "0.0.0.0", "--port", "8000", "--data-dir", "/app/data/arc"]
