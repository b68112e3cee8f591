import type { ComponentChildren } from 'preact'
import { keepingNames, readRetention, type Retention } from '../../api/retention'
import { readStorage, type BackupRun, type Letting, type Storage as Of } from '../../api/storage'
import { Facts, Known, Section, Snippet } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { Problem } from '../../parts/problem'
import { change, useAddress } from '../../state/address'
import { useAsk, useEvery } from '../../state/ask'
import { useMay } from '../../state/session'
import { age, dayAndMinutes, duration, useZone, zoneName } from '../../state/time'
import { count, oneLine, plural } from '../../state/text'
import { RetentionForm } from './retention'
import { bytes, dayOf } from './size'

/** Storage is what is kept on disk, how long, what goes next, and what was backed up. */
export function Storage() {
  const storage = useAsk('storage', readStorage, 'keep')
  useEvery(10_000, storage.refresh)
  return <Known of={storage}>{(s) => <><Disk of={s} /><Tables of={s} /><Next of={s} /><Dropped of={s} /><Backups of={s} /></>}</Known>
}

/** kept is how long, as people say it; a month is 30 days, a year 365. */
function kept(seconds: number): string {
  const days = seconds / 86_400
  if (days === 0) return 'for ever'
  if (days % 365 === 0) return plural(days / 365, 'year')
  return days >= 180 && days % 30 === 0 ? plural(days / 30, 'month') : duration(seconds * 1000)
}

function Disk({ of: s }: { of: Of }) {
  const { query } = useAddress()
  const retention = useAsk('retention', readRetention, 'keep')
  const lacks = useMay('deleteEvents')
  const tight = s.disk > 0 && s.free / s.disk < 0.1
  const facts: [string, ComponentChildren][] = [
    ['Takes', s.quota > 0 ? `${bytes(s.used)} of a quota of ${bytes(s.quota)}, ${Math.round((100 * s.used) / s.quota)} %` : `${bytes(s.used)}, without a quota`],
    ['Free', s.disk === 0 ? 'not known' : <span class={tight ? 'critical' : ''}>{bytes(s.free)} of {bytes(s.disk)}, {Math.round((100 * s.free) / s.disk)} %</span>],
    ['Events', `kept ${kept(s.keeps.events)} after they arrived`],
    ['Signals', `kept ${kept(s.keeps.signals)} after they were last seen, and what was told of them as long`],
    ['Matches', `kept ${kept(s.keeps.matches)}, or longer where a rule looks back further`],
    ['Responses', `kept ${kept(s.keeps.responses)} after they ended`],
  ]
  const editing = query.get('edit') !== null && retention.value !== undefined
  return (
    <Section title="Disk and retention">
      <Facts of={editing ? facts.slice(0, 2) : facts} />
      {editing && retention.value
        ? <RetentionForm retention={retention.value} onSaved={(now) => (retention.put(() => now), change({ edit: undefined }))} close={() => change({ edit: undefined })} />
        : (
          <>
            <p class="keep-actions">
              <button class="button" disabled={lacks !== '' || retention.value === undefined} title={lacks} onClick={() => change({ edit: 'retention' })}>Change</button>
              {lacks !== '' && <span class="mut small">{lacks}</span>}
            </p>
            {retention.value ? <Whose of={retention.value} /> : retention.error && <Problem error={retention.error} again={retention.again} />}
          </>
        )}
    </Section>
  )
}

/** Whose says who changed what the engine was started with, and what that was. */
function Whose({ of: r }: { of: Retention }) {
  const zone = useZone()
  const changed = keepingNames.filter((n) => r.settings[n] !== '')
  if (changed.length === 0) return <p class="small mut">{r.at > 0 ? `As the engine was started, again since ${dayAndMinutes(r.at, zone)} ${zoneName(zone)}, by ${oneLine(r.by, 80)}.` : 'As the engine was started.'}</p>
  return <p class="small mut">{oneLine(r.by, 80)} set {changed.map((n) => `${n.replace('_', ' ')} to ${oneLine(r.settings[n], 40)}`).join(', ')} {dayAndMinutes(r.at, zone)} {zoneName(zone)}; the engine was started with {changed.map((n) => r.started[n]).join(', ')}.</p>
}

const tableCells: Cell<Of['tables'][number]>[] = [
  { title: 'Table', cell: (t) => <code class="hi">{t.name}</code> },
  { title: 'On disk', number: true, cell: (t) => bytes(t.bytes) },
  { title: 'Rows', number: true, cell: (t) => count(t.rows) },
  { title: 'A row', number: true, minor: true, cell: (t) => (t.rows === 0 ? '' : `${count(Math.round(t.bytes / t.rows))} B`) },
  { title: 'Parts', number: true, minor: true, cell: (t) => count(t.parts) },
]

const Tables = ({ of: s }: { of: Of }) => (
  <Section title="Tables" note={`${bytes(s.tables.reduce((n, t) => n + t.bytes, 0))} in all`}>
    {s.tables.length === 0 ? <p class="mut">Nothing is stored yet.</p> : <div class="ops-narrow"><Listing name="Tables" cells={tableCells} rows={s.tables} keyOf={(t) => t.name} /></div>}
  </Section>
)

function lettingCells(when: string, at: (l: Letting) => ComponentChildren): Cell<Letting>[] {
  return [
    { title: 'What', cell: (l) => <><code class="hi">{oneLine(l.table, 80)}</code> {oneLine(dayOf(l.what), 120)}</> },
    { title: 'Rows', number: true, cell: (l) => count(l.rows) },
    { title: 'Size', number: true, minor: true, cell: (l) => (l.bytes === 0 ? '' : bytes(l.bytes)) },
    { title: 'For', minor: true, cell: (l) => <>{l.reason === 'quota' ? 'the quota' : 'its age'}{l.unevaluated > 0 && <span class="critical"> {plural(l.unevaluated, 'event')} no rule had seen</span>}</> },
    { title: when, number: true, cell: (l) => <span class="sure">{at(l)}</span> },
  ]
}

function Next({ of: s }: { of: Of }) {
  const zone = useZone()
  const cells = lettingCells('Goes', (l) => <>{dayAndMinutes(l.at, zone)} {zoneName(zone)} <span class="mut">{l.at > Date.now() ? `in ${duration(l.at - Date.now())}` : 'now'}</span></>)
  return (
    <Section title="What goes next" note="for its age; a quota takes the oldest days sooner">
      {s.next.length === 0 ? <p class="mut">Nothing: {s.keeps.events === 0 ? 'events are kept for ever' : 'nothing is stored yet that has an end'}.</p> : <div class="ops-narrow"><Listing name="What goes next" cells={cells} rows={s.next} keyOf={(l) => l.table + l.what} /></div>}
    </Section>
  )
}

function Dropped({ of: s }: { of: Of }) {
  if (s.dropped.length === 0) return null
  return <Section title="What went" note="the latest first"><div class="ops-narrow"><Listing name="What went" cells={lettingCells('Went', (l) => `${age(l.at)} ago`)} rows={s.dropped} keyOf={(l) => l.table + l.what + l.at} /></div></Section>
}

function Backups({ of: s }: { of: Of }) {
  const zone = useZone()
  const cells: Cell<BackupRun>[] = [
    { title: 'Begun', cell: (b) => <span class="sure">{dayAndMinutes(b.begun, zone)} {zoneName(zone)}</span> },
    { title: 'Result', cell: (b) => <><span class={b.state === 'failed' ? 'critical' : b.state === 'written' ? 'good' : 'medium'}>{b.state}</span>{b.error !== '' && ` ${oneLine(b.error, 300)}`}</> },
    { title: 'Took', number: true, minor: true, cell: (b) => (b.ended === 0 ? '' : duration(b.ended - b.begun)) },
    { title: 'Events', number: true, minor: true, cell: (b) => (b.events === 0 ? '' : count(b.events)) },
    { title: 'Size', number: true, cell: (b) => (b.bytes === 0 ? '' : bytes(b.bytes)) },
    { title: 'By', minor: true, cell: (b) => oneLine(b.by, 80) },
  ]
  const last = s.backups.find((b) => b.state === 'written')
  return (
    <Section title="Backups" note={s.backups.length === 0 ? undefined : last ? `the last that was written is ${age(last.ended)} old` : 'none was written'}>
      {s.backups.length === 0 ? <p>None was made. A backup is one file with everything but the keys; an admin makes it:</p> : <div class="ops-narrow"><Listing name="Backups" cells={cells} rows={s.backups} keyOf={(b) => String(b.begun)} /></div>}
      {last === undefined && <Snippet name="Copy the command for a backup" text="nightjar backup /backups/" />}
    </Section>
  )
}
