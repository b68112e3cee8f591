import type { Signal } from '../../api/signals'
import { duplicate } from '../../parts/marks'

/** Reasons are what an analyst may find a signal to be, by the key that says so. */
export interface Reason {
  letter: string
  title: string
  reason: string
  /** It begins the note, where the API has no word of its own. */
  note: string
  /** How it is kept, where that is not as it is called. */
  kept?: string
}

export const reasons: Reason[] = [
  { letter: '1', title: 'True positive', reason: 'true_positive_malicious', note: '' },
  { letter: '2', title: 'Benign, expected here', reason: 'true_positive_benign', note: '' },
  { letter: '3', title: 'False positive, the rule is wrong', reason: 'false_positive', note: '' },
  { letter: '4', title: 'Duplicate', reason: duplicate.reason, note: duplicate.word, kept: 'kept as “other” with this word' },
]

/** reasonOf is why a signal is archived, where that is one of these. */
export const reasonOf = (s: Signal): Reason | undefined => reasons.find((r) => r.reason === s.reason && (r.note === '' || s.comment.startsWith(r.note)))
