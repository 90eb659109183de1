"""Training on a GPU, measured in under five minutes: ``python benchmarks/gpu.py``.

SAN10 as the package has it, in single precision, in bfloat16 and with the channels last in memory,
beside the same network with every pair of pixels unfolded; a whole fit; whether CPU and GPU agree;
and whether too little memory is answered by a clear error. ``--device cpu`` with small numbers
tries the script itself.
"""

import argparse
import statistics
import time

import numpy as np
import torch
import torch.nn.functional as F
from sanet import network

from sklidh.nn import SAN
from sklidh.nn._device import choose_device
from sklidh.nn._trained import predict
from sklidh.nn._training import train

MIB = 2**20
VARIANTS = {  # kind of network, bfloat16, channels last
    "unfold": ("unfold", False, False),
    "package": ("lean", False, False),
    "package, bf16": ("lean", True, False),
    "package, channels_last": ("lean", False, True),
    "package, bf16, channels_last": ("lean", True, True),
}


def wait(device):
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()


def milliseconds(call, repeats, device):
    """Return the median duration of a call, after two that warm up."""
    durations = []
    for turn in range(repeats + 2):
        start = time.perf_counter()
        call()
        wait(device)
        if turn > 1:
            durations.append(1e3 * (time.perf_counter() - start))
    return statistics.median(durations)


def step(kind, half, channels_last, size, batch, repeats, device):
    """Return milliseconds of a training step and of a prediction, and the peak of memory."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    net = network(kind, device).to(memory_format=layout)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)
    x = torch.randn(batch, 1, size, size, device=device).to(memory_format=layout)
    y = torch.arange(batch, device=device) % 2
    autocast = torch.autocast(torch.device(device).type, torch.bfloat16, enabled=half)

    def learn():
        net.train()
        optimizer.zero_grad()
        with autocast:
            loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()

    @torch.inference_mode()
    def infer():
        with autocast:
            net.eval()(x)

    if device.startswith("cuda"):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    learning = milliseconds(learn, repeats, device)
    peak = torch.cuda.max_memory_allocated() / MIB if device.startswith("cuda") else np.nan
    return learning, milliseconds(infer, repeats, device), peak


def fit(slices, labels, epochs, device, batch=16):
    """Return a network trained on slices, and the seconds that took."""
    start = time.perf_counter()
    net, _ = train(
        SAN, slices, labels, max_epochs=epochs, lr=1e-4, batch_size=batch, device=device, seed=0
    )
    wait(device)
    return net, time.perf_counter() - start


def disagreement(size, device):
    """Return how far the logits and the gradients of CPU and device are apart, relatively."""
    found = []
    for place in ("cpu", device):
        net = network("lean", place).train()
        generator = torch.Generator().manual_seed(1)
        x = torch.randn(4, 1, size, size, generator=generator).to(place)
        logits = net(x)
        logits.square().sum().backward()
        gradient = torch.cat([each.grad.flatten() for each in net.parameters()])
        found.append([each.detach().cpu() for each in (logits, gradient)])
    return [float((a - b).norm() / a.norm()) for a, b in zip(*found, strict=True)]


def out_of_memory(slices, labels, device):
    """Return the message that answers too little memory."""
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(0.01)
    try:
        fit(slices, labels, 1, device, batch=len(slices))
    except MemoryError as error:
        return f"MemoryError: {error}"
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    return "no error: the memory sufficed"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--sizes", type=int, nargs="*", default=[72, 224])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--slices", type=int, default=366, help="of the fit, 72 x 72 pixels")
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args()
    device = choose_device(options.device)
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else device
    print(f"torch {torch.__version__}, {name}, batches of {options.batch}, single precision: IEEE")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    for size in options.sizes:
        print(f"\n{size} x {size:<26} step, ms   prediction, ms   peak, MiB")
        for variant, settings in VARIANTS.items():
            figures = step(*settings, size, options.batch, options.repeats, device)
            print("{:32} {:9.2f} {:16.2f} {:11.0f}".format(variant, *figures), flush=True)
    rng = np.random.default_rng(0)
    slices = rng.normal(size=(options.slices, 1, 72, 72)).astype(np.float32)
    labels = np.arange(options.slices) % 2
    net, seconds = fit(slices, labels, options.epochs, device)
    print(f"\nfit of {options.slices} slices x {options.epochs} epochs: {seconds:.1f} s")
    start = time.perf_counter()
    predict(net, slices)
    print(f"prediction of the same: {time.perf_counter() - start:.2f} s")
    for size in options.sizes:
        logits, gradients = disagreement(size, device)
        print(f"CPU and {device}, {size} x {size}: logits {logits:.1e}, gradients {gradients:.1e}")
        if logits > 1e-4:
            raise SystemExit("CPU and device differ by more than 1e-4")
    if device.startswith("cuda"):
        print(out_of_memory(slices, labels, device))


if __name__ == "__main__":
    main()
