# Leadline in a container: `leadline up` on port 3000, with everything it keeps in the volume /data.
#   docker build --tag leadline .
#   docker run --publish 127.0.0.1:3000:3000 --volume leadline:/data leadline
#   docker run --rm --volume leadline:/data leadline show
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    LEADLINE_HOME=/data

RUN groupadd --gid 10001 leadline \
    && useradd --create-home --uid 10001 --gid 10001 leadline \
    && install --directory --owner leadline --group leadline /data

WORKDIR /opt/leadline

# The locked packages change seldom, so they are a layer of their own.
COPY requirements.lock ./
RUN pip install --require-hashes --no-deps --requirement requirements.lock

# Owned by root: the running process cannot change the code. The dbt project is parsed here, once.
COPY . .
RUN pip install --no-deps --no-build-isolation --editable . \
    && python -c "from pipeline.dbt_project import prepare; prepare()" \
    && python -m compileall -q .

USER 10001:10001
VOLUME /data
EXPOSE 3000

# Answers once the code is loaded; a code server that died makes it fail.
HEALTHCHECK --interval=60s --timeout=20s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:3000/server_info', timeout=15)"]

ENTRYPOINT ["leadline"]
CMD ["up", "--host", "0.0.0.0"]
