import { classifier, embedBag, linearSpec, tf } from 'sam-mil/model';

/** A model is a function from its sizes and options to its parameters, its loss and its inference. */
export function build(config) {
  const { dim, embedDim, outputs, options } = config;

  /** A training step passes `context`: the embedding then has dropout, and random streams are available. */
  function forward(weights, bag, context) {
    const h = embedBag(weights, bag, config, context);
    const lengths = tf.sqrt(tf.add(tf.sum(tf.square(h), 1, true), 1e-6));
    const powers = tf.pow(lengths, options.power);
    const shares = tf.div(powers, tf.sum(powers));
    return { h, shares, logits: classifier(weights, tf.sum(tf.mul(shares, h), 0, true)) };
  }

  return {
    parameters: [...linearSpec('embed', dim, embedDim), ...linearSpec('cls', embedDim, outputs)],
    loss: (weights, bag, context) => context.bagLoss(forward(weights, bag, context).logits),
    infer(weights, bag) {
      const { h, shares, logits } = forward(weights, bag);
      return {
        logits: tf.reshape(logits, [outputs]),
        attention: tf.reshape(shares, [bag.rows]),
        instanceLogits: classifier(weights, h),
      };
    },
  };
}
