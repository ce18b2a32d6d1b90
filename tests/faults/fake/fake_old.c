/* A library that has the name of a driver's and one of its functions: too old, or not what it
 * says. */
#define FAKE_API __attribute__((visibility("default")))

FAKE_API int cuInit(unsigned flags);
FAKE_API int
cuInit(unsigned flags)
{
    return (int)flags;
}

FAKE_API int clGetPlatformIDs(unsigned n, void *out, unsigned *count);
FAKE_API int
clGetPlatformIDs(unsigned n, void *out, unsigned *count)
{
    (void)n, (void)out;
    *count = 0;
    return 0;
}
