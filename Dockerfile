# Builds the wheel in one stage and runs it, without build tools, in another.
FROM python:3.12-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir ".[postgres]"

FROM python:3.12-slim
LABEL org.opencontainers.image.title="tracetape" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin tracetape \
    && install -d -o tracetape -g tracetape -m 700 /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TRACETAPE_DATA=/data \
    TRACETAPE_HOST=0.0.0.0
USER tracetape
WORKDIR /data
VOLUME /data
EXPOSE 4317 4318 4319
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:4319/readyz', timeout=4)"]
ENTRYPOINT ["tracetape"]
CMD ["serve"]
