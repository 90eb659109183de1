# CPU only. Build: docker build -t sklidh .
# Run, with files that belong to you: docker run --rm --user "$(id -u)" -v "$PWD:/data" sklidh check cases.csv
# The commands of the README: docker run --rm --workdir /sklidh --entrypoint make sklidh demo (or test)
FROM python:3.11-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc g++ git make \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /sklidh
COPY . .
RUN make .venv/installed
# Writable for any user: without it the cache would be in the home folder, which --user does not have.
ENV SKLIDH_CACHE=/tmp/sklidh
WORKDIR /data
ENTRYPOINT ["/sklidh/.venv/bin/sklidh"]
CMD ["--help"]
