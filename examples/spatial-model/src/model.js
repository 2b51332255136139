import { attentionScores, classifier, embedBag, linearSpec, product, softmax, tf } from 'sam-mil/model';
import { neighborhoods } from './neighborhoods.js';

/**
 * Averages the embeddings of each neighborhood and pools the averages by attention. A patch has an equal share
 * of the attention of its neighborhood.
 */
export function build(config) {
  const { dim, embedDim, attentionDim, outputs, options } = config;

  function forward(weights, bag, context) {
    const h = embedBag(weights, bag, config, context); // [rows, embed]
    const { of, sizes } = neighborhoods(bag, options.side);
    const members = tf.tensor1d(of, 'int32');
    const sums = tf.unsortedSegmentSum(h, members, sizes.length);
    const means = tf.div(sums, tf.tensor2d(sizes, [sizes.length, 1])); // [neighborhoods, embed]
    const attention = softmax(attentionScores(means, weights, 'tanh')); // [1, neighborhoods]
    return { h, of, sizes, attention, logits: classifier(weights, product(attention, means)) };
  }

  return {
    parameters: [
      ...linearSpec('embed', dim, embedDim),
      ...linearSpec('att.V', embedDim, attentionDim),
      ...linearSpec('att.w', attentionDim, 1),
      ...linearSpec('cls', embedDim, outputs),
    ],
    loss: (weights, bag, context) => context.bagLoss(forward(weights, bag, context).logits),
    infer(weights, bag) {
      const { h, of, sizes, attention, logits } = forward(weights, bag);
      const shares = attention.dataSync();
      return {
        logits: tf.reshape(logits, [outputs]),
        attention: tf.tensor1d(Float32Array.from(of, (index) => shares[index] / sizes[index])),
        instanceLogits: classifier(weights, h),
      };
    },
  };
}
