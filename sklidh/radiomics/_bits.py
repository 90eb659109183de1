"""Processor instructions on 64-bit words, for sets of voxels kept as bits."""

from numba import types
from numba.extending import intrinsic


@intrinsic
def bit_count(typingctx, word):
    """Return the number of bits set in a uint64."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@intrinsic
def lowest_bit(typingctx, word):
    """Return the position of the lowest bit set in a uint64, which must not be 0."""

    def generate(context, builder, signature, arguments):
        zero_is_undefined = context.get_constant(types.boolean, True)
        return builder.cttz(arguments[0], zero_is_undefined)

    return types.uint64(types.uint64), generate
