import { PIXELS } from './data.mjs';

/** The digits with the highest scores as pictures for the report, with the label given and the true one. */
export function worstDigits(scores, { pixels, given, labels, flipped }, count) {
  const order = [...scores.keys()].sort((a, b) => scores[b] - scores[a]).slice(0, count);
  const wrong = order.filter((sample) => flipped[sample]).length;
  return {
    caption:
      `The ${count} digits with the highest hyperinf scores, worst first. A frame in the colour of harm marks a ` +
      `label that was flipped: ${wrong} of these ${count}. Below each: the label given, the true one and the score.`,
    width: 8,
    height: 8,
    pictures: order.map((sample) => ({
      pixels: pixels.subarray(sample * PIXELS, (sample + 1) * PIXELS),
      title: `given ${given[sample]}`,
      note: `true ${labels[sample]} \u00b7 ${scores[sample].toFixed(1)}`,
      marked: flipped[sample] === 1,
    })),
  };
}
