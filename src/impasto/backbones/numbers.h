/* The numbers of a map: T is bfloat16 where NARROW is defined, else float. */
#include <stdint.h>

#ifdef NARROW
typedef uint16_t T;

static inline float wide(T x)
{
    union { uint32_t bits; float value; } u = {(uint32_t)x << 16};
    return u.value;
}

static inline T narrow(float x) /* to the nearest, and of two the even one */
{
    union { float value; uint32_t bits; } u = {x};
    return x != x ? 0x7fc0 : (u.bits + 0x7fff + (u.bits >> 16 & 1)) >> 16;
}
#else
typedef float T;
static inline float wide(T x) { return x; }
static inline T narrow(float x) { return x; }
#endif

#define ENOUGH 32768 /* numbers for which it pays to wake a second thread */
