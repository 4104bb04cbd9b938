/* The lower bound: the training step as plain loops, for K models one after another.

   A model's parameters lie one after the other: W (out, in), then b (out) where there is one. The
   inner loops run along memory, so that a compiler can vectorise them, and the network's sizes are
   constants (-DLAYERS=… -DSIZES=… -DBIASES=… -DROWS=…). Nothing else was done. */

#include <string.h>

static const int layers = LAYERS, sizes[] = {SIZES}, biases[] = {BIASES}, n = ROWS;

static inline __attribute__((always_inline)) void forward(
    const float *restrict w, const float *restrict b, const float *restrict x, float *restrict y,
    float *restrict wt, int in, int out)
{
    for (int o = 0; o < out; o++)
        for (int i = 0; i < in; i++)
            wt[i * out + o] = w[o * in + i];
    for (int r = 0; r < n; r++) {
        float *yr = y + r * out;
        for (int o = 0; o < out; o++)
            yr[o] = b ? b[o] : 0;
        for (int i = 0; i < in; i++)
            for (int o = 0; o < out; o++)
                yr[o] += x[r * in + i] * wt[i * out + o];
        for (int o = 0; o < out; o++)
            yr[o] = yr[o] > 0 ? yr[o] : 0;
    }
}

/* y is the rectified output, and dy, the gradient of it, becomes that of what was rectified. */
static inline __attribute__((always_inline)) void backward(
    const float *restrict w, float *restrict dw, float *restrict db, const float *restrict x,
    const float *restrict y, float *restrict dx, float *restrict dy, int in, int out)
{
    memset(dw, 0, sizeof(float) * out * in);
    if (db)
        memset(db, 0, sizeof(float) * out);
    for (int r = 0; r < n; r++) {
        float *dyr = dy + r * out;
        for (int o = 0; o < out; o++)
            dyr[o] = y[r * out + o] > 0 ? dyr[o] : 0;
        if (db)
            for (int o = 0; o < out; o++)
                db[o] += dyr[o];
        for (int o = 0; o < out; o++)
            for (int i = 0; i < in; i++)
                dw[o * in + i] += dyr[o] * x[r * in + i];
        if (!dx)
            continue;
        float *dxr = dx + r * in;
        for (int i = 0; i < in; i++)
            dxr[i] = 0;
        for (int o = 0; o < out; o++)
            for (int i = 0; i < in; i++)
                dxr[i] += dyr[o] * w[o * in + i];
    }
}

static float step(int size, float *value, float *velocity, float *grad, float *wt, float *y, float *dy,
                  const float *x, const float *target, float lr, float momentum)
{
    int start[LAYERS], at[LAYERS], p = 0, a = 0;
#pragma GCC unroll 16
    for (int l = 0; l < layers; l++) {
        start[l] = p;
        at[l] = a;
        p += sizes[l + 1] * sizes[l] + (biases[l] ? sizes[l + 1] : 0);
        a += n * sizes[l + 1];
    }
#pragma GCC unroll 16
    for (int l = 0; l < layers; l++) {
        int in = sizes[l], out = sizes[l + 1];
        const float *w = value + start[l];
        forward(w, biases[l] ? w + out * in : 0, l ? y + at[l - 1] : x, y + at[l], wt, in, out);
    }
    int elements = n * sizes[layers];
    float loss = 0, *prediction = y + at[layers - 1], *difference = dy + at[layers - 1];
    for (int i = 0; i < elements; i++) {
        float d = prediction[i] - target[i];
        loss += d * d;
        difference[i] = d * 2 / elements;
    }
#pragma GCC unroll 16
    for (int l = layers - 1; l >= 0; l--) {
        int in = sizes[l], out = sizes[l + 1];
        float *dw = grad + start[l];
        backward(value + start[l], dw, biases[l] ? dw + out * in : 0, l ? y + at[l - 1] : x,
                 y + at[l], l ? dy + at[l - 1] : 0, dy + at[l], in, out);
    }
    for (int i = 0; i < size; i++) {
        velocity[i] = momentum * velocity[i] + grad[i];
        value[i] -= lr * velocity[i];
    }
    return loss / elements;
}

/* `steps` steps of each of `models` models, on batches that lie one after the other in x and target;
   `size` parameters a model; grad, wt, y and dy are scratch. The last step's loss is returned. */
float train(int models, int size, float *value, float *velocity, float *grad, float *wt, float *y,
            float *dy, const float *x, const float *target, int steps, float lr, float momentum)
{
    float loss = 0;
    for (int s = 0; s < steps; s++)
        for (int k = 0; k < models; k++)
            loss = step(size, value + k * size, velocity + k * size, grad, wt, y, dy,
                        x + s * n * sizes[0], target + s * n * sizes[layers], lr, momentum);
    return loss;
}

/* Copies the rows of a (points, columns) array that `rows` names. */
void take(const float *from, const long long *rows, int count, int columns, float *to)
{
    for (int r = 0; r < count; r++)
        memcpy(to + r * columns, from + rows[r] * columns, sizeof(float) * columns);
}
