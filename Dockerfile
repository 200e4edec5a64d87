FROM python:3.12-slim AS built
WORKDIR /src
COPY . .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir '.[postgres,s3]' \
 && (/venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/local.txt || true)

FROM python:3.12-slim
RUN useradd --system --uid 10001 --create-home webchatagent && mkdir /data && chown webchatagent /data
COPY --from=built /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
USER webchatagent
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["webchatagent"]
CMD ["serve", "--host", "0.0.0.0"]
