// Per-sample gradients of an MLP in factored form by jax-js alone, in the way its documentation leads to: the gradient
// with respect to zeros added to what each layer puts out, and a second forward pass for what went into it, in one
// compiled function. Copied out, as jax-js shares no memory.

/** A function that returns the factors, two arrays a layer. Weights and batch stay the caller's. */
export function factorsByTwoPasses(jax, kernels, inputs, labels) {
  const { jit, grad, numpy: np, nn, tree } = jax;
  const widths = kernels.map(({ shape }) => shape[1]);
  const forward = (kernels, x, y, { zeros = [], seen = [] }) => {
    const logits = kernels.reduce((at, kernel, i) => {
      seen.push(at.ref);
      const out = zeros.length > 0 ? np.matmul(at, kernel).add(zeros[i]) : np.matmul(at, kernel);
      return i + 1 < kernels.length ? nn.relu(out) : out;
    }, x);
    return np.negative(np.sum(nn.logSoftmax(logits).mul(nn.oneHot(y, widths.at(-1)))));
  };
  const run = jit((kernels, x, y) => {
    const zeros = widths.map((width) => np.zeros([x.shape[0], width]));
    const gradients = grad((zeros) => forward(tree.ref(kernels), x.ref, y.ref, { zeros }))(zeros);
    const seen = [];
    forward(kernels, x, y, { seen }).dispose();
    return [...seen, ...gradients];
  });
  return () => run(tree.ref(kernels), inputs.ref, labels.ref).map((array) => array.dataSync());
}
