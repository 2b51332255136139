import { SamMilError } from '../../errors.js';
import { originMismatches, originOfBag, unstatedFacts, type OriginMismatch } from '../bags/bag-origin.js';
import type { BagEntry } from '../bags/bags.js';
import { firstNames } from '../bags/first-names.js';
import type { Member } from './load-ensemble.js';

/**
 * Compares all bags with the bags on which the checkpoints were trained, before any is scored: a model gives
 * numbers for features of another encoder too, and nothing in them shows that they are meaningless.
 *
 * @param mismatch `warn`: differences are passed to `warn` instead
 * @throws SamMilError InvalidInput naming each fact with both values and the bags
 */
export function checkOrigins(
  bags: readonly BagEntry[],
  members: readonly Member[],
  mismatch: 'error' | 'warn',
  warn: (message: string) => void,
): void {
  const [first] = members;
  const without = members.filter(({ origin }) => origin === undefined).map(({ name }) => name);
  if (without.length > 0) {
    warn(
      `how the training bags were made is not stated in ${firstNames(without)}, so the bags cannot be compared with them`,
    );
  }
  const found = new Map<string, { mismatch: OriginMismatch; bags: string[] }>();
  const unstated = new Map<string, string[]>();
  for (const bag of bags) {
    const own = originOfBag(bag, first.model.groupFeatures);
    const note = (one: OriginMismatch) => {
      const at = `${one.fact}\n${one.trained}\n${one.found}`;
      const entry = found.get(at) ?? { mismatch: one, bags: [] };
      if (!entry.bags.includes(bag.key)) entry.bags.push(bag.key);
      found.set(at, entry);
    };
    for (const { origin } of members) {
      if (origin !== undefined) originMismatches(origin, own).forEach(note);
    }
    const missing = first.origin === undefined ? [] : unstatedFacts(first.origin, own);
    for (const fact of missing) unstated.set(fact, [...(unstated.get(fact) ?? []), bag.key]);
  }
  for (const [fact, keys] of unstated) {
    warn(
      `the ${fact} of ${keys.length} bags is not known, and cannot be compared with the training: ${firstNames(keys)}`,
    );
  }
  report([...found.values()], mismatch, warn);
}

function report(
  found: readonly { mismatch: OriginMismatch; bags: string[] }[],
  mismatch: 'error' | 'warn',
  warn: (message: string) => void,
): void {
  if (found.length === 0) return;
  if (mismatch === 'warn') {
    for (const { mismatch: one, bags } of found) {
      warn(
        `${one.fact} ${one.found} differs from the training (${one.trained}) in ${bags.length} bags: ${firstNames(bags)}`,
      );
    }
    return;
  }
  const facts = [...new Set(found.map(({ mismatch: { fact } }) => fact))];
  throw new SamMilError(
    'InvalidInput',
    `bags were made differently from the training bags: ${facts.join(', ')}`,
    {
      expected: [...new Set(found.map(({ mismatch: { fact, trained } }) => `${fact} ${trained}`))].join('; '),
      found: found
        .map(({ mismatch: { fact, found }, bags }) => `${fact} ${found} (${firstNames(bags)})`)
        .join('; '),
      next: 'extract the slides as for the training, or set `mismatch: warn` to predict anyway',
    },
  );
}
