/* The sums over positions of f fᵀ and of f: of a Gram matrix the half on and above the diagonal, in tiles of 32 × 32.
 *
 * Every block of positions has sums of its own, which the caller adds up. A block is worked on by the PANEL of positions,
 * which is brought into the order that its products want and stays in the processor's cache.
 */
#include <string.h>

#include "numbers.h"

enum { PANEL = 128, TILE = 32 };

#if defined(NARROW) && defined(__AMX_BF16__)
/* The processor's matrix unit: 16 rows of 16 pairs of bfloat16 times 16 pairs of rows of 16, summed in float. */
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAIRS = PANEL / 2, SIDE = 16 };

static int has_matrices(void) /* which Linux lends to a process that asks for them: it has room for them to find then */
{
    enum { REQUEST = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
}

static void add_by_matrices(const T *restrict rows, long positions, long channels, float *restrict gram)
{
    static const struct { uint8_t palette, start, none[14]; uint16_t bytes[16]; uint8_t rows[16]; } tiles = {
        1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {SIDE, SIDE, SIDE, SIDE, SIDE, SIDE, SIDE, SIDE}};
    /* Two positions' numbers of a channel side by side: by channels, and by positions. */
    uint32_t across[PAIRS * channels], down[channels * PAIRS];
    const long bytes = channels * sizeof(float);
    _tile_loadconfig(&tiles);
    for (long start = 0; start < positions; start += PANEL) {
        for (long p = 0; p < PAIRS; p++) {
            const long left = positions - start - 2 * p;
            const T *first = rows + (start + 2 * p) * channels, *second = first + channels;
#pragma omp simd
            for (long k = 0; k < channels; k++)
                across[p * channels + k] = (left > 0 ? first[k] : 0) | (left > 1 ? (uint32_t)second[k] : 0) << 16;
        }
        for (long p = 0; p < PAIRS; p += SIDE)
            for (long k = 0; k < channels; k += SIDE)
                for (int i = 0; i < SIDE; i++)
#pragma omp simd
                    for (int j = 0; j < SIDE; j++)
                        down[(k + i) * PAIRS + p + j] = across[(p + j) * channels + k + i];
        __asm__ volatile("" ::: "memory"); /* what tiles are loaded from has to be there: gcc is not told that they are */
        for (long l = 0; l < channels; l += TILE)
            for (long k = 0; k <= l; k += TILE) {
                float *upper = gram + k * channels + l, *lower = upper + SIDE * channels;
                _tile_loadd(0, upper, bytes);
                _tile_loadd(1, upper + SIDE, bytes);
                _tile_loadd(2, lower, bytes);
                _tile_loadd(3, lower + SIDE, bytes);
                for (long p = 0; p < PAIRS; p += SIDE) {
                    _tile_loadd(4, down + k * PAIRS + p, PAIRS * sizeof(uint32_t));
                    _tile_loadd(5, down + (k + SIDE) * PAIRS + p, PAIRS * sizeof(uint32_t));
                    _tile_loadd(6, across + p * channels + l, bytes);
                    _tile_loadd(7, across + p * channels + l + SIDE, bytes);
                    _tile_dpbf16ps(0, 4, 6);
                    _tile_dpbf16ps(1, 4, 7);
                    _tile_dpbf16ps(2, 5, 6);
                    _tile_dpbf16ps(3, 5, 7);
                }
                _tile_stored(0, upper, bytes);
                _tile_stored(1, upper + SIDE, bytes);
                _tile_stored(2, lower, bytes);
                _tile_stored(3, lower + SIDE, bytes);
            }
    }
    _tile_release();
}
#else
static int has_matrices(void) { return 0; }
static void add_by_matrices(const T *rows, long positions, long channels, float *gram) {}
#endif

#ifdef __AVX512F__
typedef float Lanes __attribute__((vector_size(64)));
enum { DOWN = 8 };
#else
typedef float Lanes __attribute__((vector_size(32)));
enum { DOWN = 4 };
#endif
enum { LANES = sizeof(Lanes) / sizeof(float) };

/* Adds DOWN × 2 LANES entries, which stay in registers, from row k and column l on. */
static void add_corner(const float *restrict panel, long positions, long channels, long k, long l, float *restrict gram)
{
    Lanes sum[DOWN][2] = {0};
    for (long p = 0; p < positions; p++) {
        const float *row = panel + p * channels;
        Lanes left, right;
        memcpy(&left, row + l, sizeof left);
        memcpy(&right, row + l + LANES, sizeof right);
#pragma GCC unroll 8
        for (int i = 0; i < DOWN; i++) {
            sum[i][0] += row[k + i] * left;
            sum[i][1] += row[k + i] * right;
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < DOWN; i++)
        for (int j = 0; j < 2; j++) {
            float *to = gram + (k + i) * channels + l + j * LANES;
            Lanes before;
            memcpy(&before, to, sizeof before);
            sum[i][j] += before;
            memcpy(to, &sum[i][j], sizeof before);
        }
}

static void add_by_lanes(const T *restrict rows, long positions, long channels, float *restrict gram)
{
    float panel[PANEL * channels];
    for (long start = 0; start < positions; start += PANEL) {
        const long count = positions - start < PANEL ? positions - start : PANEL;
#pragma omp simd
        for (long k = 0; k < count * channels; k++)
            panel[k] = wide(rows[start * channels + k]);
        for (long l = 0; l < channels; l += 2 * LANES)
            for (long k = 0; k < l + 2 * LANES; k += DOWN)
                add_corner(panel, count, channels, k, l, gram);
    }
}

/* The most channels for which this is faster than torch's products. */
int widest(void) { return has_matrices() ? 512 : 256; }

void moments(int threads, const T *restrict rows, long positions, long channels, long block, float *restrict grams,
             float *restrict totals)
{
    const long blocks = (positions + block - 1) / block;
    const int by_matrices = has_matrices();
#pragma omp parallel for num_threads(threads) if (positions * channels > ENOUGH)
    for (long b = 0; b < blocks; b++) {
        const T *first = rows + b * block * channels;
        const long count = positions - b * block < block ? positions - b * block : block;
        float *gram = grams + b * channels * channels, *total = totals + b * channels;
        memset(gram, 0, channels * channels * sizeof(float));
        memset(total, 0, channels * sizeof(float));
        for (long p = 0; p < count; p++)
#pragma omp simd
            for (long k = 0; k < channels; k++)
                total[k] += wide(first[p * channels + k]);
        (by_matrices ? add_by_matrices : add_by_lanes)(first, count, channels, gram);
    }
}
