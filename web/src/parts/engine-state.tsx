import { readHealth, type Health } from '../api/status'
import { useAsk, useEvery } from '../state/ask'
import { age } from '../state/time'
import { count, oneLine, plural } from '../state/text'
import { wrongs } from '../state/wrongs'

/** EngineState says in the bar which sources send, how far evaluation is behind, and what is wrong: each leads to where more is said. */
export function EngineState() {
  const health = useAsk('health', readHealth, 'keep')
  useEvery(10_000, health.refresh)
  if (health.error) return <span class="engine wrong" role="status"><i class="dot bad" />no answer</span>
  const h = health.value
  if (!h) return <span class="engine" />
  const all = wrongs(h)
  const [first] = all
  return (
    <>
      {first && <a class="engine wrong" href={all.length === 1 ? first.to : '/operation'} title={all.map((w) => w.text).join('\n')}><i class={`dot ${h.database.state === 'up' ? 'warn' : 'bad'}`} />{plural(all.length, 'thing')} to see to</a>}
      <a class="engine sources" href="/sources" title={silentText(h)}>{!first && <i class={h.caughtUp || h.lagSeconds < 10 ? 'dot' : 'dot warn'} />}{sourcesText(h)}, {h.caughtUp ? 'no lag' : `lag ${h.lagSeconds.toFixed(1)} s`}</a>
    </>
  )
}

function sourcesText({ senders: s, eventsReceived }: Health): string {
  if (s.silent > 0 && s.current > 0) return `${count(s.current)} of ${plural(s.current + s.silent, 'source')} current`
  if (s.current > 0) return `${plural(s.current, 'source')} current`
  if (s.silent > 0) return `${plural(s.silent, 'source')} silent`
  return eventsReceived === 0 ? 'no source yet' : 'no source sent today'
}

/** silentText names those of which nothing arrived within an hour. */
function silentText({ senders: s }: Health): string {
  if (s.current + s.silent === 0) return 'Nothing arrived from a source within a day.'
  if (s.silent === 0) return 'Something of each arrived within the last hour.'
  const named = s.silences.slice(0, 8)
  const rest = s.silent - named.length
  return `Nothing for an hour of:\n${named.map((x) => `${oneLine(x.source, 60) || 'events without a source'}, ${age(x.last)}`).join('\n')}${rest > 0 ? `\nand ${count(rest)} more` : ''}`
}
