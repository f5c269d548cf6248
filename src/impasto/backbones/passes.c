/* Passes over maps whose channels lie last: each reads and writes its maps once, where torch takes several operations.
 *
 * Sums and products are floats. Maps are of one picture; `…_row` is how many numbers lie between the beginnings of two
 * rows. What `passes.py` says of each holds.
 */
#include <math.h>

#include "numbers.h"

/* The larger of two, and where it was; the earlier of two equal ones, and what is no number is handed on. */
static inline void larger(float next, uint8_t here, float *most, uint8_t *found)
{
    int more = next > *most || next != next;
    *most = more ? next : *most;
    *found = more ? here : *found;
}

void pool(int threads, const T *restrict x, long x_row, long height, long width, long channels, T *restrict y,
          uint8_t *restrict which)
{
#pragma omp parallel for num_threads(threads) if (height * width * channels > ENOUGH)
    for (long i = 0; i < height; i++)
        for (long j = 0; j < width; j++) {
            const T *upper = x + 2 * i * x_row + 2 * j * channels, *lower = upper + x_row;
            T *best = y + (i * width + j) * channels;
            uint8_t *at = which + (i * width + j) * channels;
#pragma omp simd
            for (long k = 0; k < channels; k++) {
                float most = wide(upper[k]);
                uint8_t found = 0;
                larger(wide(upper[channels + k]), 1, &most, &found);
                larger(wide(lower[k]), 2, &most, &found);
                larger(wide(lower[channels + k]), 3, &most, &found);
                best[k] = narrow(most);
                at[k] = most > 0 ? found : 4;
            }
        }
}

void unpool(int threads, const T *restrict gradient, long gradient_row, const uint8_t *restrict which, long height,
            long width, long channels, T *restrict x, long x_row)
{
#pragma omp parallel for num_threads(threads) if (height * width * channels > ENOUGH)
    for (long i = 0; i < height; i++)
        for (long j = 0; j < width; j++) {
            const T *from = gradient + i * gradient_row + j * channels;
            const uint8_t *at = which + (i * width + j) * channels;
            T *upper = x + 2 * i * x_row + 2 * j * channels, *lower = upper + x_row;
#pragma omp simd
            for (long k = 0; k < channels; k++) {
                upper[k] = at[k] == 0 ? from[k] : 0;
                upper[channels + k] = at[k] == 1 ? from[k] : 0;
                lower[k] = at[k] == 2 ? from[k] : 0;
                lower[channels + k] = at[k] == 3 ? from[k] : 0;
            }
        }
}

void gate(int threads, const T *restrict gradient, long gradient_row, const T *restrict y, long y_row, long height,
          long length, T *restrict out, long out_row)
{
#pragma omp parallel for num_threads(threads) if (height * length > ENOUGH)
    for (long i = 0; i < height; i++) {
        const T *from = gradient + i * gradient_row, *open = y + i * y_row;
        T *to = out + i * out_row;
#pragma omp simd
        for (long k = 0; k < length; k++)
            to[k] = wide(open[k]) <= 0 ? 0 : from[k];
    }
}

void add(int threads, T *restrict sum, long sum_row, const T *restrict more, long more_row, long top, long height,
         long width, long channels, long side)
{
    const float share = 1.0f / (side * side);
#pragma omp parallel for num_threads(threads) if (height * width * channels > ENOUGH)
    for (long i = 0; i < height; i++)
        for (long j = 0; j < width; j++) {
            T *to = sum + i * sum_row + j * channels;
            const T *from = more + (top + i) / side * more_row + j / side * channels;
#pragma omp simd
            for (long k = 0; k < channels; k++)
                to[k] = narrow(wide(to[k]) + wide(from[k]) * share);
        }
}

void products(int threads, const T *restrict f, const T *restrict t, long positions, long channels, float *restrict out)
{
#pragma omp parallel for num_threads(threads) if (positions * channels > ENOUGH)
    for (long p = 0; p < positions; p++) {
        const T *a = f + p * channels, *b = t + p * channels;
        float own = 0, other = 0, both = 0, apart = 0;
#pragma omp simd reduction(+ : own, other, both, apart)
        for (long k = 0; k < channels; k++) {
            float x = wide(a[k]), y = wide(b[k]);
            own += x * x;
            other += y * y;
            both += x * y;
            apart += (x - y) * (x - y);
        }
        out[p] = own;
        out[positions + p] = other;
        out[2 * positions + p] = both;
        out[3 * positions + p] = apart;
    }
}

void mix(int threads, const T *restrict f, const T *restrict t, const float *restrict shares, long positions,
         long channels, T *restrict out)
{
#pragma omp parallel for num_threads(threads) if (positions * channels > ENOUGH)
    for (long p = 0; p < positions; p++) {
        const T *a = f + p * channels, *b = t + p * channels;
        T *to = out + p * channels;
        const float of_f = shares[p], of_t = shares[positions + p], of_both = shares[2 * positions + p];
#pragma omp simd
        for (long k = 0; k < channels; k++) {
            float x = wide(a[k]), y = wide(b[k]);
            to[k] = narrow(of_f * x + of_t * y + of_both * (x - y));
        }
    }
}

void largest(int threads, const T *restrict scores, long rows, long columns, float *restrict value,
             int64_t *restrict index)
{
    enum { BLOCK = 256 };
#pragma omp parallel for num_threads(threads) if (rows * columns > ENOUGH)
    for (long i = 0; i < rows; i++) {
        const T *row = scores + i * columns;
        float most = -INFINITY;
        long at = 0;
        for (long start = 0; start < columns; start += BLOCK) {
            const long end = start + BLOCK < columns ? start + BLOCK : columns;
            float here = -INFINITY;
#pragma omp simd reduction(max : here)
            for (long k = start; k < end; k++)
                here = wide(row[k]) > here ? wide(row[k]) : here;
            if (here > most) {
                most = here;
                at = start;
            }
        }
        while (at + 1 < columns && wide(row[at]) != most)
            at++;
        value[i] = most;
        index[i] = at;
    }
}
