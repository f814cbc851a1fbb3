# A small image that holds deby and the C library it is linked with: docker build --tag deby .
# The image tells its commit where that is given: --build-arg SOURCE_COMMIT=$(git rev-parse --short=10 HEAD)
ARG BUN=oven/bun:1.4.5-slim
ARG BASE=gcr.io/distroless/base-debian12:nonroot

FROM $BUN AS build
WORKDIR /src
COPY package.json bun.lock bunfig.toml ./
RUN bun install --frozen-lockfile --ignore-scripts --omit optional
COPY tsconfig.json ./
COPY scripts scripts
COPY src src
ARG SOURCE_COMMIT
RUN bun scripts/build.ts

FROM $BASE
COPY --from=build /src/deby /usr/local/bin/deby
COPY LICENSE /usr/share/doc/deby/LICENSE
# Loopback inside a container is nobody else's.
ENV DEBY_HOST=0.0.0.0
EXPOSE 5000
USER 65532:65532
STOPSIGNAL SIGTERM
# Liveness: it does not depend on the database, or the container would be restarted for an outage that deby survives.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["/usr/local/bin/deby", "health"]
ENTRYPOINT ["/usr/local/bin/deby"]
CMD ["serve"]
