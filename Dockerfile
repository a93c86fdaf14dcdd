# docker build --tag churn-api .
# A tag moves. To build on one image and no other, name it by its digest, which
# `docker buildx imagetools inspect python:3.13-slim` prints: --build-arg BASE=python:3.13-slim@sha256:…
ARG BASE=python:3.13-slim
# With deploy/container/requirements-otel.txt the image also exports traces; with requirements-train.txt it can train.
ARG LOCK=deploy/container/requirements.txt

FROM ${BASE} AS build
ARG LOCK
WORKDIR /src
# pip stays outside of what is copied on.
RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/churn-api
COPY deploy/container/requirements.txt deploy/container/requirements-otel.txt deploy/container/requirements-train.txt deploy/container/
COPY setup.cfg pyproject.toml README.md LICENSE ./
# Each file has to have the hash that the lock says; the extras `dask` and `reload` are in none.
RUN /opt/pip/bin/pip --python /opt/churn-api/bin/python install --no-cache-dir --no-compile --disable-pip-version-check \
    --require-hashes -r "$LOCK"
COPY churn_api churn_api
RUN /opt/pip/bin/pip --python /opt/churn-api/bin/python install --no-cache-dir --no-compile --disable-pip-version-check \
    --no-deps .
COPY deploy/container/alive.py deploy/container/retrain.sh /opt/churn-api/app/
# SageMaker starts a container as `docker run IMAGE serve`.
COPY deploy/container/serve /opt/churn-api/bin/serve
# A third of what was installed is for building against it, for debuggers, for its own tests, or a copy that nothing loads.
RUN command -v strip || (apt-get update && apt-get install -y --no-install-recommends binutils)
RUN cd /opt/churn-api/lib/python3*/site-packages && \
    rm -rf pyarrow/tests pyarrow/src pyarrow/include pyarrow/includes pyarrow/_flight* pyarrow/libarrow_flight* \
    pyarrow/libarrow_python_flight* pyarrow/libarrow_python.so pyarrow/libarrow_python.so.*.* \
    pyarrow/_substrait* pyarrow/_hdfs* pyarrow/_orc* pyarrow/_dataset_orc* \
    pyarrow/_pyarrow_cpp_tests* numpy/_core/_simd* numpy/_core/*_tests.*.so alembic/testing \
    onnxruntime/transformers onnxruntime/tools onnxruntime/quantization onnxruntime/datasets \
    onnxruntime/capi/libonnxruntime.so* numpy/distutils flasgger/ui2 flasgger/ui3 \
    sqlalchemy/testing sqlalchemy/dialects/mysql sqlalchemy/dialects/oracle sqlalchemy/dialects/mssql && \
    find pygments/lexers pygments/styles -name '[a-z]*.py' -delete && \
    find . -type d \( -name tests -o -name test \) -prune -exec rm -rf {} + && \
    find . \( -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name '*.a' -o -name '*.pyi' -o -name '*.pyx' -o -name '*.pxi' \
    -o -name '*.pxd' -o -path './flask_swagger_ui/*.map' \) -delete && \
    find pyarrow cryptography yaml sqlalchemy rpds wrapt -name '*.so*' -exec strip --strip-unneeded {} +
# Not by the files' times: a copy may change them, and no new bytecode could be written then.
RUN /opt/churn-api/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/churn-api

FROM ${BASE}
ARG VERSION=0.2.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="churn-api" \
      org.opencontainers.image.description="Calibrated churn probabilities over HTTP" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# /data is all that is written to; mode 1777 lets any other --user write there too.
RUN mkdir -p -m 1777 /data /data/models /data/jobs /data/log && chown 10001:10001 /data /data/models /data/jobs /data/log
COPY --from=build /opt/churn-api /opt/churn-api
# Uploads are spooled to TMPDIR; gunicorn's workers say that they live by a file, which belongs in memory.
ENV PATH=/opt/churn-api/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GUNICORN_CMD_ARGS="--worker-tmp-dir /dev/shm" \
    TMPDIR=/data \
    HOST=0.0.0.0 \
    CHURN_INSTANCE_DIR=/data/instance \
    CHURN_MODELS_DIR=/data/models \
    CHURN_JOBS_DIR=/data/jobs \
    CHURN_LOG_DIR=/data/log
WORKDIR /opt/churn-api/app
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["python", "alive.py"]
CMD ["churn-api", "serve"]
