import type { Severity, State } from '../api/signals'
import { oneLine } from '../state/text'

const names: Record<Severity, string> = { critical: 'Critical', high: 'High', medium: 'Medium', low: 'Low', info: 'Info' }
const rungs: Record<Severity, number> = { critical: 4, high: 3, medium: 2, low: 1, info: 0 }

export const severityName = (s: Severity): string => names[s] ?? s

/** SeverityMark is a ladder of four bars, the word and the colour: each says it alone. */
export function SeverityMark({ severity }: { severity: Severity }) {
  return (
    <span class={`severity ${severity}`}>
      <Ladder severity={severity} />
      <span class="severity-name">{names[severity] ?? severity}</span>
    </span>
  )
}

export function Ladder({ severity }: { severity: Severity }) {
  const lit = rungs[severity] ?? 0
  return (
    <svg class={`ladder ${severity}`} width="13" height="11" viewBox="0 0 13 11" aria-hidden="true">
      {[0, 1, 2, 3].map((i) => (
        <rect key={i} x={i * 3.5} y={8 - i * 2.5} width="2.500" height={3 + i * 2.5} fill="currentColor" opacity={i < lit ? 1 : 0.34} />
      ))}
    </svg>
  )
}

export const stateName = (s: State, reason = '', comment = ''): string =>
  ({ open: 'Open', under_review: 'Under review', archived: reason === '' ? 'Archived' : reasonName(reason, comment), suppressed: 'Suppressed' })[s] ?? s

/** The API has no reason of this name: it is stored as other, with a comment that begins with this word. */
export const duplicate = { reason: 'other', word: 'Duplicate.' }

const reasons: Record<string, string> = {
  true_positive_malicious: 'True positive', true_positive_benign: 'Benign', false_positive: 'False positive', other: 'Other',
  testing_or_maintenance: 'Testing', remediated: 'Remediated', investigated_case_opened: 'Case opened', none: 'Archived', merged: 'Merged', retracted: 'Retracted',
}
export const reasonName = (r: string, comment = ''): string => (r === duplicate.reason && comment.startsWith(duplicate.word) ? 'Duplicate' : (reasons[r] ?? r))

/** StateMark is a ring, a half ring with the reviewer's name, or a disc. */
export function StateMark({ state, assignee, reason, comment = '' }: { state: State; assignee: string; reason: string; comment?: string }) {
  const word = state === 'under_review' && assignee !== '' ? oneLine(assignee, 60) : stateName(state, reason, comment)
  return (
    <span class={'state ' + state} title={state === 'under_review' && assignee !== '' ? 'Under review by ' + oneLine(assignee, 200) : oneLine(comment, 500) || undefined}>
      <StateSign state={state} />
      {state === 'under_review' && assignee !== '' && <span class="unseen">Under review by </span>}
      {word}
    </span>
  )
}

export function StateSign({ state }: { state: State }) {
  return (
    <svg class="state-sign" width="9" height="9" viewBox="0 0 9 9" aria-hidden="true">
      {state === 'archived' || state === 'suppressed'
        ? <circle cx="4.500" cy="4.500" r="4" fill="currentColor" opacity={state === 'suppressed' ? 0.5 : 1} />
        : <circle cx="4.500" cy="4.500" r="3.500" fill="none" stroke="currentColor" stroke-width="1.200" />}
      {state === 'under_review' && <path d="M4.500 1a3.500 3.500 0 0 1 0 7z" fill="currentColor" />}
    </svg>
  )
}
