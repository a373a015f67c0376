// Per-sample gradients of an MLP in factored form by jax-js, as far as its public interface goes: the gradient with
// respect to zeros added to what each layer puts out, and what went into it, in one compiled function. Copied out, as
// jax-js shares no memory.

/** A function that returns { inputs, gradients }, a Float32Array a layer; undefined where jax-js is absent. */
export async function jaxFactors({ widths, weights, inputs, labels, samples }) {
  const jax = await import('@jax-js/jax').catch(() => undefined);
  if (jax === undefined) return undefined;
  const { init, defaultDevice, jit, valueAndGrad, numpy: np, nn, tree } = jax;
  await init('wasm');
  defaultDevice('wasm');
  const layers = widths.length - 1;
  const classes = widths[layers];
  const matrix = (values, rows, columns) => np.array(values).reshape([rows, columns]);
  const kernels = weights.map((values, i) => matrix(values, widths[i], widths[i + 1]));
  const x = matrix(inputs, samples, widths[0]);
  const oneHot = new Float32Array(samples * classes);
  labels.forEach((label, i) => (oneHot[i * classes + label] = 1));
  const y = matrix(oneHot, samples, classes);
  const run = jit((kernels, zeros, x, y) => {
    const losses = (zeros) => {
      const seen = [];
      let at = x;
      for (let i = 0; i < layers; ++i) {
        seen.push(at.ref);
        at = np.matmul(at, kernels[i]).add(zeros[i]);
        if (i + 1 < layers) at = nn.relu(at);
      }
      return [nn.logSoftmax(at).mul(y).sum().neg(), seen];
    };
    return valueAndGrad(losses, { hasAux: true })(zeros);
  });
  return () => {
    const zeros = widths.slice(1).map((width) => np.zeros([samples, width]));
    const [[loss, seen], gradients] = run(tree.ref(kernels), zeros, x.ref, y.ref);
    loss.dispose();
    return { inputs: seen.map((array) => array.dataSync()), gradients: gradients.map((array) => array.dataSync()) };
  };
}
