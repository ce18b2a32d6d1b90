/* A libcudnn on the memory of the fake libcuda: convolutions and softmax of f32, as its manual
 * says.  Of its two algorithms the first needs a workspace. */
#define FAKE_LIBRARY
#include "../../faults/fake/fake.h"

#include <math.h>

enum { BAD_PARAM = 2000, NOT_SUPPORTED = 3000, WORKSPACE = 4096 };

typedef struct context {
    fake_handle h;
    void *stream;
} context;

typedef struct tensor { /* n images of c channels, h by w; a filter: n results of c channels */
    fake_handle h;
    int n, c, height, width;
} tensor;

typedef struct conv {
    fake_handle h;
    int pad, step, groups, math;
} conv;

typedef struct found {
    int algorithm, status;
    float milliseconds;
    size_t memory;
    int determinism, math, reserved[3];
} found;

#define CALL(name, ...)                                                                            \
    FAKE_API int name(__VA_ARGS__);                                                                \
    int name(__VA_ARGS__)

FAKE_API fake_state *fake_cudnn(void);
FAKE_API fake_state *
fake_cudnn(void)
{
    return &fake;
}

#define OBJECT(what, type, kind)                                                                   \
    CALL(cudnnCreate##what, void **out)                                                            \
    {                                                                                              \
        *out = fake_new(sizeof(type), kind);                                                       \
        return 0;                                                                                  \
    }                                                                                              \
    CALL(cudnnDestroy##what, void *p)                                                              \
    {                                                                                              \
        fake_drop(p, kind, "cudnnDestroy" #what);                                                  \
        return 0;                                                                                  \
    }
OBJECT(, context, "handle")
OBJECT(TensorDescriptor, tensor, "tensor")
OBJECT(FilterDescriptor, tensor, "filter")
OBJECT(ConvolutionDescriptor, conv, "convolution")

CALL(cudnnSetStream, void *handle, void *stream)
{
    if (!fake_is(handle, "handle", "cudnnSetStream"))
        return BAD_PARAM;
    ((context *)handle)->stream = stream;
    return 0;
}

static int
set(tensor *t, const char *kind, int n, int c, int height, int width)
{
    if (!fake_is(t, kind, "cudnnSetDescriptor"))
        return BAD_PARAM;
    t->n = n;
    t->c = c;
    t->height = height;
    t->width = width;
    return 0;
}

CALL(cudnnSetTensor4dDescriptor, tensor *t, int format, int type, int n, int c, int h, int w)
{
    return format || type ? NOT_SUPPORTED : set(t, "tensor", n, c, h, w);
}

CALL(cudnnSetFilter4dDescriptor, tensor *t, int type, int format, int k, int c, int h, int w)
{
    return format || type ? NOT_SUPPORTED : set(t, "filter", k, c, h, w);
}

CALL(cudnnSetConvolution2dDescriptor, conv *d, int pad_h, int pad_w, int step_h, int step_w,
     int dilation_h, int dilation_w, int mode, int type)
{
    if (!fake_is(d, "convolution", "cudnnSetConvolution2dDescriptor"))
        return BAD_PARAM;
    if (pad_h != pad_w || step_h != step_w || dilation_h != 1 || dilation_w != 1 || mode != 1 ||
        type)
        return NOT_SUPPORTED;
    d->pad = pad_h;
    d->step = step_h;
    d->groups = 1;
    return 0;
}

CALL(cudnnSetConvolutionGroupCount, conv *d, int groups)
{
    d->groups = groups;
    return 0;
}

CALL(cudnnSetConvolutionMathType, conv *d, int math)
{
    d->math = math;
    return 0;
}

/* Whether descriptors are what they say and sizes go together. */
static bool
fits(const void *handle, const tensor *x, const tensor *w, const conv *d, const tensor *y)
{
    static const char call[] = "cudnnConvolution";
    if (!fake_is(handle, "handle", call) || !fake_is(x, "tensor", call) ||
        !fake_is(w, "filter", call) || !fake_is(d, "convolution", call) ||
        !fake_is(y, "tensor", call) || !((const context *)handle)->stream)
        return false;
    return x->n == y->n && x->c == w->c * d->groups && y->c == w->n &&
           y->height == (x->height + 2 * d->pad - w->height) / d->step + 1 &&
           y->width == (x->width + 2 * d->pad - w->width) / d->step + 1;
}

CALL(cudnnFindConvolutionForwardAlgorithm, void *handle, tensor *x, tensor *w, conv *d, tensor *y,
     int most, int *n, found *out)
{
    if (!fits(handle, x, w, d, y) || most < 2)
        return BAD_PARAM;
    out[0] = (found){ .algorithm = 6, .milliseconds = 1, .memory = WORKSPACE, .math = d->math };
    out[1] = (found){ .algorithm = 0, .milliseconds = 2, .math = d->math };
    *n = 2;
    return 0;
}

/* An element of an image; 0 around it. */
static float
pixel(const float *x, const tensor *t, int image, int channel, int row, int column)
{
    if (row < 0 || column < 0 || row >= t->height || column >= t->width)
        return 0;
    return x[((image * t->c + channel) * t->height + row) * t->width + column];
}

static double
sum(const float *x, const tensor *xt, const float *w, const tensor *wt, const conv *d, int image,
    int filter, int row, int column)
{
    int first = filter / (wt->n / d->groups) * wt->c;
    double s = 0;
    for (int i = 0; i < wt->c * wt->height * wt->width; i++) {
        int channel = first + i / (wt->height * wt->width),
            y = row * d->step - d->pad + i / wt->width % wt->height,
            z = column * d->step - d->pad + i % wt->width;
        s += (double)pixel(x, xt, image, channel, y, z) *
             (double)w[filter * wt->c * wt->height * wt->width + i];
    }
    return s;
}

CALL(cudnnConvolutionForward, void *handle, const float *alpha, tensor *xt, const float *x,
     tensor *wt, const float *w, conv *d, int algorithm, void *space, size_t bytes,
     const float *beta, tensor *yt, float *y)
{
    if (!fits(handle, xt, wt, d, yt) || (algorithm == 6 && (!space || bytes < WORKSPACE)))
        return BAD_PARAM;
    if (*alpha != 1 || *beta != 0 || d->math != 3)
        return NOT_SUPPORTED;
    fake.launches++;
    for (int i = 0; i < yt->n * yt->c * yt->height * yt->width; i++)
        y[i] = (float)sum(x, xt, w, wt, d, i / yt->width / yt->height / yt->c,
                          i / yt->width / yt->height % yt->c, i / yt->width % yt->height,
                          i % yt->width);
    return 0;
}

/* The softmax of n elements. */
static void
softmax(const float *x, float *y, int n)
{
    double total = 0;
    float most = x[0];
    for (int i = 1; i < n; i++)
        most = fmaxf(most, x[i]);
    for (int i = 0; i < n; i++)
        total += exp((double)(x[i] - most));
    for (int i = 0; i < n; i++)
        y[i] = (float)(exp((double)(x[i] - most)) / total);
}

CALL(cudnnSoftmaxForward, void *handle, int algorithm, int mode, const float *alpha, tensor *xt,
     const float *x, const float *beta, tensor *yt, float *y)
{
    if (!fake_is(handle, "handle", "cudnnSoftmaxForward") || !((context *)handle)->stream ||
        xt->n != yt->n || xt->c != yt->c)
        return BAD_PARAM;
    if (*alpha != 1 || *beta != 0 || algorithm != 1 || mode != 0)
        return NOT_SUPPORTED;
    int each = xt->c * xt->height * xt->width;
    fake.launches++;
    for (int i = 0; i < xt->n; i++)
        softmax(x + i * each, y + i * each, each);
    return 0;
}
