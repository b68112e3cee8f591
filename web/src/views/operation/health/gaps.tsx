import { useState } from 'preact/hooks'
import { acceptLoss, type Gap, type Health } from '../../../api/status'
import { Confirm } from '../../../parts/confirm'
import { Section } from '../../../parts/keep'
import { useMay } from '../../../state/session'
import { dayAndClock, useZone, zoneName } from '../../../state/time'
import { count, oneLine, plural } from '../../../state/text'

/** Gaps are stretches of arrivals that no rule was evaluated over, and who knows of them. */
export function Gaps({ of: h, onAccepted }: { of: Health; onAccepted: () => void }) {
  const [asking, setAsking] = useState(false)
  const lacks = useMay('operate')
  const unknown = h.gaps.filter((g) => !g.accepted)
  return (
    <Section title="Gaps in coverage" note={h.gaps.length === 0 ? undefined : `${plural(unknown.length, 'gap')} that nobody knows of`}>
      {h.gaps.length === 0 ? <p>None: rules were evaluated over everything that arrived.</p> : <ul>{h.gaps.map((g) => <Line key={`${g.first} ${g.since}`} gap={g} />)}</ul>}
      {unknown.length > 0 && <p class="keep-actions"><button class="button" disabled={lacks !== ''} title={lacks} onClick={() => setAsking(true)}>I know of {unknown.length === 1 ? 'it' : 'them'}…</button>{lacks !== '' && <span class="mut small">{lacks}</span>}</p>}
      {asking && <Accept gaps={unknown} close={() => setAsking(false)} onAccepted={onAccepted} />}
    </Section>
  )
}

const meanings: Record<string, string> = { lost: 'gone', aside: 'set aside, and tried again', stored: 'stored late, and being evaluated' }

function Line({ gap: g }: { gap: Gap }) {
  const zone = useZone()
  const at = (moment: number) => `${dayAndClock(moment, zone)} ${zoneName(zone)}`
  return (
    <li class="keep-line">
      <b class={g.accepted ? 'mut' : 'critical'}>{meanings[g.state] ?? g.state}</b>
      <span class="say">
        {plural(g.events, 'event')}{g.first > 0 && <span class="mut"> (arrivals {count(g.first)} to {count(g.last)})</span>}: {oneLine(g.reason, 300)}{g.since > 0 && <span class="mut"> Found {at(g.since)}.</span>}
        {g.accepted && <span class="mut"> {g.by === '' ? 'Somebody' : oneLine(g.by, 80)} knows of it{g.at > 0 && ` since ${at(g.at)}`}{g.comment !== '' && <>: “{oneLine(g.comment, 300)}”</>}</span>}
      </span>
    </li>
  )
}

function Accept({ gaps, close, onAccepted }: { gaps: Gap[]; close: () => void; onAccepted: () => void }) {
  const [comment, setComment] = useState('')
  const act = async () => {
    const done = await acceptLoss(comment.trim())
    onAccepted()
    return `You know of ${plural(done.gaps, 'gap')}, of ${plural(done.events, 'event')}.`
  }
  return (
    <Confirm title={gaps.length === 1 ? 'You know of this gap?' : `You know of these ${gaps.length} gaps?`} verb="I know" act={act} close={close} blocked={comment.trim() === ''}>
      <p>{plural(gaps.reduce((n, g) => n + g.events, 0), 'event')} that no rule was evaluated over. Saying so brings none back: it keeps evaluation from counting as behind. Counters stay, and what is set aside is tried on.</p>
      <input class="field" aria-label="What you know" placeholder="Why, such as a ticket: it is kept with your name" autofocus maxLength={1000} value={comment} onInput={(e) => setComment(e.currentTarget.value)} />
    </Confirm>
  )
}
