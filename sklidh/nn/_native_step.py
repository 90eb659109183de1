"""The loss of `_fusion_autograd` and its derivatives by hand, compiled.

A network this small costs torch a hundred times more in calls than in arithmetic. The members
share nothing but the patients, so each is trained on its own: an answer does not depend, to the
last bit, on what is trained beside it. Shapes: M blocks, D columns in the widest, P
projected features, H features of a code, T features decoded, C classes, n patients.
"""

import numpy as np

from sklidh.nn import _native_losses as losses
from sklidh.nn._compiled import compiled
from sklidh.nn._native_layers import (
    adam,
    affine,
    affine_input_back,
    affine_weights_back,
    layer_norm,
    layer_norm_back,
    log_softmax,
)


@compiled
def layers(flat, sizes):
    """Cut a member's parameters, or their derivatives, into the arrays of `FusionNet`."""
    M, D, P, H, T, C = sizes
    scale = M * D * P + M * P
    invariant = scale + 2 * M * P
    specific = invariant + P * H + H
    decoder = specific + M * P * H + M * H
    head = decoder + 2 * M * H * T + M * T
    return (
        flat[: M * D * P].reshape(M, D, P),
        flat[M * D * P : scale].reshape(M, P),
        flat[scale : scale + M * P].reshape(M, P),
        flat[scale + M * P : invariant].reshape(M, P),
        flat[invariant : specific - H].reshape(P, H),
        flat[specific - H : specific],
        flat[specific : decoder - M * H].reshape(M, P, H),
        flat[decoder - M * H : decoder].reshape(M, H),
        flat[decoder : head - M * T].reshape(M, 2 * H, T),
        flat[head - M * T : head].reshape(M, T),
        flat[head : len(flat) - C].reshape(2, M, H, C),
        flat[len(flat) - C :],
    )


@compiled
def shares(weight, out):
    """Write weights scaled to add up to 1; weights that are all 0 stay so."""
    total = 0.0
    for t in range(len(weight)):
        total += weight[t]
    for t in range(len(weight)):
        out[t] = weight[t] / total if total > 0 else 0.0


@compiled
def pair_shares(weight, present, other, out):
    """Write each patient's part of a mean over those who have both blocks."""
    for t in range(len(weight)):
        out[t] = weight[t] * present[t] * other[t]
    shares(out, out)


@compiled
def fill_absent(codes, present, known):
    """Return what the head reads, of shape (2MH, n).

    That is the codes, but for the invariant one of an absent block: the mean of the patient's
    others. `known` of shape (n,) is how many blocks a patient has.
    """
    M, two_H, n = codes.shape
    read = codes.copy()
    for t in range(n):
        if known[t] == M:
            continue
        for h in range(two_H // 2):
            mean = 0.0
            for m in range(M):
                mean += present[m, t] * codes[m, h, t] / known[t]
            for m in range(M):
                if present[m, t] == 0:
                    read[m, h, t] = mean
    return read.reshape(M * two_H, n)


@compiled
def fill_absent_back(d_codes, present, known):
    """Turn derivatives by what `fill_absent` returned into those by the codes, in place."""
    M, two_H, n = d_codes.shape
    for t in range(n):
        if known[t] == M:
            continue
        for h in range(two_H // 2):
            pooled = 0.0
            for m in range(M):
                if present[m, t] == 0:
                    pooled += d_codes[m, h, t]
                    d_codes[m, h, t] = 0.0
            for m in range(M):
                d_codes[m, h, t] += present[m, t] * pooled / known[t]


@compiled
def step(weights, gradient, x, y, weight, present, widths, sizes, target_input, kinds, strengths):
    """Return the four terms of Eq. 6 on one batch, and write the loss' derivatives.

    Parameters
    ----------
    weights, gradient : tuple of ndarray
        From `layers`; the arrays of `gradient` hold 0 and are filled.
    x : ndarray of shape (M, D, n)
    y : ndarray of int, shape (n,)
    weight : ndarray of shape (n,)
    present : ndarray of shape (M, n)
        1 where a patient has the block, else 0.
    widths : ndarray of int, shape (M,)
    sizes : tuple of M, D, P, H, T, C
    target_input : bool
        Whether the decoders give back `x`.
    kinds : tuple of int
        The definitions, by their numbers in `_native_losses`.
    strengths : ndarray of shape (3,)

    Returns
    -------
    ndarray of shape (4,)
    """
    M, _, P, H, T, C = sizes
    n = len(y)
    W_p, b_p, scale, shift, W_i, b_i, W_s, b_s, W_d, b_d, W_h, b_h = weights
    dW_p, db_p, d_scale, d_shift, dW_i, db_i, dW_s, db_s, dW_d, db_d, dW_h, db_h = gradient
    # Both encoders of a block as one, and the head's rows in the order of the codes: block by
    # block, invariant before specific.
    W_e, b_e = np.empty((M, P, 2 * H)), np.empty((M, 2 * H))
    W_r = np.empty((2 * M * H, C))
    for m in range(M):
        for h in range(H):
            b_e[m, h], b_e[m, H + h] = b_i[h], b_s[m, h]
            for p in range(P):
                W_e[m, p, h], W_e[m, p, H + h] = W_i[p, h], W_s[m, p, h]
            for c in range(C):
                W_r[2 * m * H + h, c], W_r[(2 * m + 1) * H + h, c] = (
                    W_h[0, m, h, c],
                    W_h[1, m, h, c],
                )

    # Forward.
    z, inverse = np.empty((P, n)), np.empty((M, n))
    normal, u = np.empty((M, P, n)), np.empty((M, P, n))
    codes, decoded = np.empty((M, 2 * H, n)), np.empty((M, T, n))
    for m in range(M):
        affine(widths[m], W_p[m], b_p[m], x[m], z)
        layer_norm(z, scale[m], shift[m], normal[m], inverse[m], u[m])
        affine(P, W_e[m], b_e[m], u[m], codes[m])
        affine(2 * H, W_d[m], b_d[m], codes[m], decoded[m])
    known = np.zeros(n)
    for m in range(M):
        for t in range(n):
            known[t] += present[m, t]
    read = fill_absent(codes, present, known)
    logits, log_p, p_task = np.empty((C, n)), np.empty((C, n)), np.empty((C, n))
    affine(2 * M * H, W_r, b_h, read, logits)
    log_softmax(logits, log_p, p_task)

    # The task, back to the codes.
    terms = np.zeros(4)
    share = np.empty(n)
    shares(weight, share)
    for t in range(n):
        terms[0] -= share[t] * log_p[y[t], t]
        p_task[y[t], t] -= 1.0
    for c in range(C):
        for t in range(n):
            p_task[c, t] *= share[t]
    d_codes = np.zeros((M, 2 * H, n))
    d_read, dW_r = d_codes.reshape(2 * M * H, n), np.zeros((2 * M * H, C))
    affine_weights_back(2 * M * H, read, p_task, dW_r, db_h)
    affine_input_back(W_r, p_task, d_read)
    fill_absent_back(d_codes, present, known)

    # The constraints add their derivatives by the codes.
    code, d_code = codes.reshape(M, 2, H, n), d_codes.reshape(M, 2, H, n)
    log_q, q = np.empty((M, H, n)), np.empty((M, H, n))
    for m in range(M):
        log_softmax(code[m, 0], log_q[m], q[m])
    alpha, beta, gamma = strengths
    d_decoded, d_u, unused = np.zeros((M, T, n)), np.zeros((M, P, n)), np.empty((T, n))
    for m in range(M):
        pair_shares(weight, present[m], present[m], share)
        terms[2] += losses.difference(
            kinds[1], code[m, 0], code[m, 1], share, beta, d_code[m, 0], d_code[m, 1]
        )
        if target_input:
            terms[3] += losses.reconstruction(
                kinds[2], widths[m], decoded[m], x[m], share, gamma, d_decoded[m], unused
            )
        else:
            terms[3] += losses.reconstruction(
                kinds[2], P, decoded[m], u[m], share, gamma, d_decoded[m], d_u[m]
            )
        for o in range(m + 1, M):
            pair_shares(weight, present[m], present[o], share)
            terms[1] += losses.similarity(
                kinds[0], log_q[m], q[m], log_q[o], q[o], share, alpha, d_code[m, 0], d_code[o, 0]
            )
            terms[2] += losses.difference(
                kinds[1], code[m, 1], code[o, 1], share, beta, d_code[m, 1], d_code[o, 1]
            )

    # Back from the codes to the weights.
    dW_e, db_e = np.zeros((M, P, 2 * H)), np.zeros((M, 2 * H))
    for m in range(M):
        affine_weights_back(2 * H, codes[m], d_decoded[m], dW_d[m], db_d[m])
        affine_input_back(W_d[m], d_decoded[m], d_codes[m])
        affine_weights_back(P, u[m], d_codes[m], dW_e[m], db_e[m])
        affine_input_back(W_e[m], d_codes[m], d_u[m])
        layer_norm_back(normal[m], inverse[m], scale[m], d_u[m], d_scale[m], d_shift[m])
        affine_weights_back(widths[m], x[m], d_u[m], dW_p[m], db_p[m])
        for h in range(H):
            db_i[h] += db_e[m, h]
            db_s[m, h] = db_e[m, H + h]
            for p in range(P):
                dW_i[p, h] += dW_e[m, p, h]
                dW_s[m, p, h] = dW_e[m, p, H + h]
            for c in range(C):
                dW_h[0, m, h, c] = dW_r[2 * m * H + h, c]
                dW_h[1, m, h, c] = dW_r[(2 * m + 1) * H + h, c]
    return terms


@compiled
def epoch(
    weights, first, second, taken, patients, widths, sizes, target_input, kinds, strengths, lr
):
    """Take one step per batch with every member, or with ``lr=0`` none.

    Parameters
    ----------
    weights, first, second : ndarray of shape (K, n_parameters)
        The parameters and Adam's moments.
    taken : int
        Steps taken before.
    patients : tuple of ndarray
        From `packed`.
    strengths : ndarray of shape (K, 3)
    lr : float

    Returns
    -------
    ndarray of shape (4, K)
        The terms before the steps, the mean over the batches.
    """
    xs, ys, patient_weights, presents, ends = patients
    M, D = sizes[0], sizes[1]
    mean = np.zeros((4, len(weights)))
    total = patient_weights.sum()
    gradient = np.empty(weights.shape[1])
    d_parts = layers(gradient, sizes)
    for k in range(len(weights)):
        parts = layers(weights[k], sizes)
        start = 0
        for b in range(len(ends)):
            stop = ends[b]
            n = stop - start
            weight = patient_weights[start:stop]
            gradient[:] = 0.0
            terms = step(
                parts,
                d_parts,
                xs[start * M * D : stop * M * D].reshape(M, D, n),
                ys[start:stop],
                weight,
                presents[start * M : stop * M].reshape(M, n),
                widths,
                sizes,
                target_input,
                kinds,
                strengths[k],
            )
            if lr > 0:
                adam(weights[k], gradient, first[k], second[k], taken + b + 1, lr)
            share = weight.sum() / total
            for term in range(4):
                mean[term, k] += share * terms[term]
            start = stop
    return mean
