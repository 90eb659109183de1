"""What the lean attention saves in time and memory: ``python benchmarks/sanet.py``.

SAN10 as the package has it, beside the same network with the block that a user would write: every
pair of pixels unfolded, and 64 full maps in the stem. Both are timed in turns, so that whatever
else the machine does falls on both, and the median is taken. Saved bytes are what autograd keeps
between the passes, parameters not counted. Peak memory is a fresh process's, above what it held
before the first step. With several threads, torch shares each operation among them in the unfolded
network; the package divides the work itself, as its estimators do. ``--cohort 366`` trains one
network on 96 slices of 72 x 72 and multiplies up to a run on four sequences of so many patients.
"""

import argparse
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import torch
import torch.nn.functional as F

from sklidh.nn import SAN, PairwiseAttention
from sklidh.nn._pairs import unfold
from sklidh.nn._san import Bottleneck, Stage, Stem
from sklidh.nn._threads import OneThread
from sklidh.nn._trained import predict
from sklidh.nn._training import train

MIB = 2**20
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def unfolded_attention(block, x):
    """Pairwise attention with every pair of pixels in memory."""
    B, _, H, W = x.shape
    k = block.kernel_size
    across = torch.linspace(-1, 1, W, device=x.device).expand(H, W)
    down = torch.linspace(-1, 1, H, device=x.device)[:, None].expand(H, W)
    place = block.position(torch.stack([across, down])[None])
    delta = block.phi(x).flatten(2).unsqueeze(2) - unfold(block.psi(x), k)
    distance = place.flatten(2).unsqueeze(2) - unfold(place, k)
    weights = block.gamma(torch.cat([delta, distance.expand(B, -1, -1, -1)], 1)).softmax(2)
    values = unfold(block.beta(x), k).unflatten(1, (block.share, -1))
    return (weights.unsqueeze(1) * values).sum(3).reshape(B, -1, H, W)


def kept_bottleneck(block, x):
    """A bottleneck of torch's own layers, every map in between kept."""
    attended = block.attention(F.relu_(block.norm_in(x)))
    return x + block.expand(F.relu_(block.norm_out(attended)))


def kept_stage(stage, x):
    """A stage of torch's own layers."""
    x = F.relu_(stage.norm(stage.blocks(stage.transition(x))))
    return F.max_pool2d(x, 2) if stage.halves else x


def full_stem(stem, x):
    """The stem with all its maps in full size."""
    return F.max_pool2d(F.relu(stem.norm(stem.convolution(x))), 2)


def network(kind, device):
    """Return SAN10, "lean" or "unfold"."""
    torch.manual_seed(0)
    net = SAN("san10").to(device)
    for module in net.modules() if kind == "unfold" else ():
        if isinstance(module, PairwiseAttention):
            module.forward = partial(unfolded_attention, module)
        if isinstance(module, Bottleneck):
            module.forward = partial(kept_bottleneck, module)
        if isinstance(module, Stage):
            module.forward = partial(kept_stage, module)
        if isinstance(module, Stem):
            module.forward = partial(full_stem, module)
    return net


def steps(kind, size, batch, device):
    """Return the training step and the inference of one network, as two functions."""
    net = network(kind, device)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-4, fused=True)
    x = torch.randn(batch, 1, size, size, device=device)
    y = torch.arange(batch, device=device) % 2

    def loss():
        return F.cross_entropy(net.train()(x), y)

    threads = {"unfold": nullcontext, "lean": OneThread}[kind]

    def train():
        with threads():
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()

    @torch.inference_mode()
    def infer():
        with threads():
            net.eval()(x)

    return {"train": train, "infer": infer}, loss, net


def seconds(call, device, clock):
    start = clock()
    call()
    if device == "cuda":
        torch.cuda.synchronize()
    return clock() - start


def saved_mib(loss, net):
    """Return the MiB that autograd keeps for the backward pass, parameters not counted."""
    kept, known = {}, {p.untyped_storage().data_ptr() for p in net.parameters()}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss()
    return sum(kept.values()) / MIB


def highest_bytes(device):
    """Return the most memory held so far (of the process, as Linux counts it, or of the GPU)."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def peak_mib(kind, size, batch, device):
    """Return how much the memory of a process grows in two training steps, MiB."""
    calls, _, _ = steps(kind, size, batch, device)
    before = highest_bytes(device)
    for _ in range(2):
        calls["train"]()
    return (highest_bytes(device) - before) / MIB


def in_fresh_process(function, *arguments):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def compare(size, batch, threads, repeats, device, clock):
    """Print one block of the table."""
    torch.set_num_threads(threads)
    both = {kind: steps(kind, size, batch, device) for kind in ("unfold", "lean")}
    print(f"\n{size} x {size}, batch {batch}, {threads} thread(s), {device}")
    for task in ("train", "infer"):
        times = {kind: [] for kind in both}
        for turn in range(repeats + 1):
            for kind, (calls, _, _) in both.items():
                elapsed = seconds(calls[task], device, clock)
                if turn:  # the first warms up
                    times[kind].append(elapsed)
        unfold, lean = (1e3 * statistics.median(times[kind]) for kind in ("unfold", "lean"))
        print(f"  {task:12} unfold {unfold:8.1f} ms   lean {lean:8.1f} ms   {unfold / lean:4.1f}x")
    measures = {
        "saved": [saved_mib(loss, net) for _, loss, net in both.values()],
        "peak": [in_fresh_process(peak_mib, kind, size, batch, device) for kind in both],
    }
    for name, (unfold, lean) in measures.items():
        print(f"  {name:12} unfold {unfold:8.1f} MiB  lean {lean:8.1f} MiB  {unfold / lean:4.1f}x")


def train_two_epochs(n_slices):
    """Return the seconds of an epoch, those of a prediction of all slices, and the peak MiB."""
    slices = torch.randn(n_slices, 1, 72, 72).numpy()
    options = {"lr": 1e-4, "batch_size": 16, "seed": 0}
    labels = torch.arange(n_slices).numpy() % 2
    before = highest_bytes("cpu")
    train(SAN, slices[:16], labels[:16], max_epochs=1, **options)  # warms up
    starts = [time.process_time()]
    net, _ = train(SAN, slices, labels, max_epochs=2, **options)
    starts.append(time.process_time())
    predict(net, slices)
    starts.append(time.process_time())
    learning, predicting = (b - a for a, b in pairwise(starts))
    # Averaging the normalisations at the end costs about a prediction.
    return (learning - predicting) / 2, predicting, (highest_bytes("cpu") - before) / MIB


def extrapolate(n_patients, n_epochs):
    """Print what the networks of a run on four sequences cost on one core."""
    torch.set_num_threads(1)
    epoch, prediction, peak = in_fresh_process(train_two_epochs, 96)
    epoch, prediction = (n_patients / 96 * each for each in (epoch, prediction))
    print(
        f"{n_patients} slices of 72 x 72, CPU time of one core: {epoch:.1f} s per epoch, ", end=""
    )
    print(f"prediction {prediction:.1f} s; peak memory {peak:.0f} MiB")
    network = n_epochs * epoch + 2 * prediction
    for name, trainings in (("in sample", 4), ("out of fold, cv=5", 4 * (1 + 5 * 0.8))):
        print(f"  {name:18} four sequences, {n_epochs} epochs: {trainings * network / 60:.0f} min")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--sizes", type=int, nargs="*", default=[72, 224])
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument(
        "--clock", choices=CLOCKS, default="wall", help="cpu: where other jobs take the cores too"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--cohort", type=int, help="patients of the run to estimate")
    parser.add_argument("--epochs", type=int, default=8, help="of the run to estimate")
    options = parser.parse_args()
    if options.cohort:
        extrapolate(options.cohort, options.epochs)
        return
    for size in options.sizes:
        batch = 16 if size < 100 else 4
        for threads in options.threads:
            compare(size, batch, threads, options.repeats, options.device, CLOCKS[options.clock])


if __name__ == "__main__":
    main()
