import { copyFileSync } from 'node:fs';
import { readLabels } from '../../../domain/mil/labels/labels.js';
import { readSplits } from '../../../domain/mil/split/splits.js';
import { fixture } from '../../support/fixtures.js';
import type { Kind } from './kind.js';
import { json, text, wrongTables } from './kinds-text.js';

/** A table of two patients with two slides each. */
function table(header: string, ...rows: string[]): (path: string) => void {
  return text(`slide_id,case_id,${header}\n${rows.map((row, i) => `s${i},p${i >> 1},${row}\n`).join('')}`);
}

const survival = {
  splits: 1,
  scheme: 'file',
  seed: 1,
  endpoint: 'survival',
  classes: ['event', 'censored'],
  labels: { s0: 0, s1: 1 },
  quantity: 'os_months',
  followUp: { s0: { time: 1.5, event: 1 }, s1: { time: 2, event: 0 } },
  repeats: [{ repeat: 0, seed: 1, folds: [{ fold: 0, train: ['s0'], val: [], test: ['s1'] }] }],
};
const { followUp, quantity, ...unstated } = survival;
const regression = { ...unstated, quantity, endpoint: 'regression' };

/** Readers of what is known of slides. */
export const LABEL_KINDS: Readonly<Record<string, Kind>> = {
  labels: {
    extension: 'csv',
    sound: (path) => copyFileSync(fixture('labels', 'label_c16.csv'), path),
    wrong: {
      ...wrongTables,
      'one-class': text('slide_id,label\na,1\nb,1\n'),
      twice: text('slide_id,label\na,1\na,0\n'),
    },
    read: (path) => readLabels(path),
  },
  'survival-labels': {
    extension: 'csv',
    sound: table('os_months,os_event', '12.5,1', '12.5,1', '0.3,0', '0.3,0'),
    wrong: {
      ...wrongTables,
      negative: table('os_months,os_event', '-1,1', '-1,1', '2,0', '2,0'),
      infinite: table('os_months,os_event', '1e999,1', 'inf,1', '2,0', '2,0'),
      text: table('os_months,os_event', '1 month,1', '0x10,1', '"1,234",0', '2,0'),
      'no-event': table('os_months,os_event', '1,0', '1,0', '2,0', '2,0'),
      unknown: table('os_months,os_event', '1,dead', '1,dead', '2,alive', '2,alive'),
      'two-times': table('os_months,os_event', '1,1', '2,1', '2,0', '2,0'),
      blank: table('os_months,os_event', ',1', '1,', '2,0', '2,1'),
      reversed: table('os_months,censorship', '1,1', '1,1', '2,0', '2,0'),
      ambiguous: table('os_months,pfs_months,event', '1,1,1', '1,1,1', '2,2,0', '2,2,0'),
    },
    read: (path) => readLabels(path, { endpoint: 'survival' }),
  },
  'regression-labels': {
    extension: 'csv',
    sound: table('value', '0.25', '0.25', '1e3', '1e3'),
    wrong: {
      ...wrongTables,
      constant: table('value', '1', '1.0', '1', '01'),
      text: table('value', 'high', '1', '2', '2'),
      infinite: table('value', '-Infinity', '1', '2', '2'),
      'two-values': table('value', '1', '2', '3', '3'),
      blank: table('value', '1', 'NA', '3', '3'),
    },
    read: (path) => readLabels(path, { endpoint: 'regression' }),
  },
  'survival-splits': {
    extension: 'json',
    sound: json(survival),
    wrong: {
      'no-follow-up': json({ ...unstated, quantity }),
      'no-quantity': json({ ...unstated, followUp }),
      'one-missing': json({ ...survival, followUp: { s0: followUp.s0 } }),
      negative: json({ ...survival, followUp: { ...followUp, s1: { time: -1, event: 0 } } }),
      event: json({ ...survival, followUp: { ...followUp, s1: { time: 1, event: 2 } } }),
      endpoint: json({ ...survival, endpoint: 'ordinal' }),
    },
    read: readSplits,
  },
  'regression-splits': {
    extension: 'json',
    sound: json({ ...regression, values: { s0: -1, s1: 2.5 } }),
    wrong: {
      'no-values': json(regression),
      text: json({ ...regression, values: { s0: '1', s1: 2.5 } }),
      'one-missing': json({ ...regression, values: { s0: 1 } }),
    },
    read: readSplits,
  },
};
