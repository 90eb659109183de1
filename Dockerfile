# CPU only. Build: docker build -t sklidh .   Run: docker run --rm -v "$PWD:/data" sklidh check /data/cases.csv
FROM python:3.11-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc g++ git make \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /sklidh
COPY . .
RUN make .venv/installed
WORKDIR /data
ENTRYPOINT ["/sklidh/.venv/bin/sklidh"]
CMD ["--help"]
