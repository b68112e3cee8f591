import { searchSignals } from '../../api/signals'
import type { Standings, Suppression } from '../../api/suppressions'
import { SeverityMark } from '../../parts/marks'
import { Problem } from '../../parts/problem'
import { pathOf } from '../../state/address'
import { useAsk, type Asked } from '../../state/ask'
import { count, oneLine, plural } from '../../state/text'
import { age, day, dayAndMinutes, useZone, wholeTime, zoneName } from '../../state/time'
import { Days } from './marks'

const shownAtOnce = 20

/** Hidden is what a suppression withholds: on each day, and the newest of it. */
export function Hidden({ stored, standings }: { stored: Suppression; standings: Asked<Standings> }) {
  const zone = useZone()
  const query = `suppression_id:${stored.id}`
  const newest = useAsk(`${stored.id} ${standings.at}`, (stop) => searchSignals({ query, from: '', to: '' }, '-timestamp', undefined, shownAtOnce, stop), 'keep')
  const s = standings.value?.of.get(stored.id)
  const days = standings.value?.days ?? []
  if (stored.query === '') return <LeftOut stored={stored} />
  return (
    <section class="keeping-part" aria-label="What it hid">
      <h2>What it hid {s && <small>counted since {dayAndMinutes(s.countedSince, zone)} {zoneName(zone)}</small>}</h2>
      {standings.error && <Problem error={standings.error} again={standings.again} />}
      {s && (
        <>
          <p class="keeping-sum"><b class="strong">{plural(s.hidden, 'signal')}</b>{s.hidden === 0 ? <span class="mut">so far</span> : <span class="mut" title={wholeTime(s.lastHidden, zone)}>the last {age(s.lastHidden)} ago</span>}{s.hidden > 0 && <a class="link" href={pathOf(['signals'], { query })}>Show them as signals</a>}</p>
          {s.hidden > 0 && <><Days of={s.perDay} days={days} tall /><p class="ticks"><span>{day(days[0] ?? 0, zone)}</span><span>today, {zoneName(zone)}</span></p></>}
        </>
      )}
      {newest.error && <Problem error={newest.error} again={newest.again} />}
      {newest.value && newest.value.signals.length > 0 && (
        <table class="keeping-hidden" aria-label="Hidden signals, the newest first">
          <tbody>
            {newest.value.signals.map((h) => (
              <tr key={h.id}>
                <td><SeverityMark severity={h.severity} /></td>
                <td class="grown"><a class="link" href={pathOf(['signals', h.id])}>{oneLine(h.title, 120)}</a> <span class="mono">{oneLine(h.group.filter((v) => v !== '').join(', '), 200)}</span></td>
                <td class="number"><time title={wholeTime(h.firstSeen, zone)}>{age(h.firstSeen)}</time></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {s && s.hidden > shownAtOnce && <p class="mut small">The newest {shownAtOnce} of {count(s.hidden)}.</p>}
    </section>
  )
}

function LeftOut({ stored }: { stored: Suppression }) {
  return (
    <section class="keeping-part" aria-label="What it hid">
      <h2>What it hid</h2>
      <p class="mut">It leaves events out before rules see them, so there is no signal to count. Below is what its rules would have found. <a class="link" href={pathOf(['search'], { query: stored.exclusion, from: 'now-24h' })}>Show such events</a></p>
    </section>
  )
}
