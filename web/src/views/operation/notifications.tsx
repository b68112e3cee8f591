import { listAttempts, listTargets, type Attempt, type Target } from '../../api/notifications'
import { Known, Nothing, Section, Snippet } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { pathOf } from '../../state/address'
import { useAsk, useEvery } from '../../state/ask'
import { age } from '../../state/time'
import { count, oneLine } from '../../state/text'

interface Row extends Target {
  last: Attempt | undefined
}

const look = (state: string): string => ({ failed: 'critical', dropped: 'critical', sent: 'good', waiting: 'medium' })[state] ?? 'mut'

const cells: Cell<Row>[] = [
  { title: 'Target', cell: (t) => <code class="hi">{oneLine(t.handle, 120)}</code> },
  { title: 'Type', cell: (t) => t.type },
  { title: 'State', cell: (t) => (t.enabled ? 'on' : <span class="medium">off</span>) },
  { title: 'Told last', cell: (t) => (t.last ? <><span class={look(t.last.state)}>{t.last.state}</span> <span class="mut">{age(t.last.tried || t.last.created)} ago</span> {t.last.state !== 'sent' && oneLine(t.last.answer, 200)}</> : <span class="mut">nothing among the newest 200</span>) },
]

const attemptCells: Cell<Attempt>[] = [
  { title: 'Signal', cell: (a) => <a class="link" href={pathOf(['signals', a.signalID])}>{oneLine(a.title, 160) || a.signalID}</a> },
  { title: 'To', cell: (a) => <code>{oneLine(a.target, 120)}</code> },
  { title: 'News', minor: true, cell: (a) => a.kind },
  { title: 'State', cell: (a) => <span class={look(a.state)}>{a.state}</span> },
  { title: 'Attempts', number: true, minor: true, cell: (a) => count(a.attempts) },
  { title: 'Answer', minor: true, cell: (a) => oneLine(a.answer, 300) },
  { title: 'When', number: true, cell: (a) => <span class="sure">{age(a.tried || a.created)} ago</span> },
]

const badness = (state: string | undefined): number => ({ failed: 0, dropped: 0, waiting: 1 })[state ?? ''] ?? 2

/** Notifications are whom people are told by, and what was told; first what failed. */
export function Notifications() {
  const targets = useAsk('targets', listTargets, 'keep')
  const attempts = useAsk('attempts', listAttempts, 'keep')
  useEvery(10_000, () => (targets.again(), attempts.again()))
  return (
    <>
      <Known of={targets}>
        {(all) => all.length === 0 ? (
          <Nothing title="Nobody is told of signals yet">
            <p>A target is a webhook, Slack, Teams, PagerDuty, Opsgenie, Jira, Alertmanager or mail. Rules name it by its handle.</p>
            <Snippet text="nightjar targets --help" />
          </Nothing>
        ) : <Listing name="Notification targets" cells={cells} rows={withLast(all, attempts.value ?? [])} keyOf={(t) => t.id} />}
      </Known>
      <Known of={attempts}>
        {(all) => all.length === 0 ? null : <Section title="What was told" note="the newest 200"><Listing name="What was told" cells={attemptCells} rows={all} keyOf={(a) => a.id + a.target} /></Section>}
      </Known>
    </>
  )
}

const withLast = (targets: Target[], attempts: Attempt[]): Row[] =>
  targets.map((t) => ({ ...t, last: attempts.find((a) => a.target === t.handle) })).sort((a, b) => badness(a.last?.state) - badness(b.last?.state) || a.handle.localeCompare(b.handle))
