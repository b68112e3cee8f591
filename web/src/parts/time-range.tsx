import { useRef, useState } from 'preact/hooks'
import { clockMinutes, momentOf, rangeName, rangeTimes, useZone, zoneName, type Range, type Zone } from '../state/time'
import { useKeys } from '../state/keys'
import { Menu, MenuItem } from './menu'

const presets = ['now-15m', 'now-1h', 'now-4h', 'now-24h', 'now-7d', 'now-30d', 'now-90d', '']

/** TimeRange is what stretch of time is looked at; [ and ] go to the one before and after. */
export function TimeRange({ range, onChange }: { range: Range; onChange: (r: Range) => void }) {
  const zone = useZone()
  const shift = (by: number) => {
    const from = momentOf(range.from)
    const to = momentOf(range.to)
    if (range.from === '' || from === undefined || to === undefined) return
    onChange({ from: String(from + by * (to - from)), to: String(to + by * (to - from)) })
  }
  useKeys([
    { keys: '[', does: 'earlier', act: () => shift(-1) },
    { keys: ']', does: 'later', act: () => shift(1) },
  ])
  const absolute = rangeTimes(range, zone)
  const named = rangeName(range, zone)
  return (
    <Menu class="time-range" label={<>
      <span class="hi">{named}</span>
      {absolute !== named && <span class="mut absolute">{absolute}</span>}
      <i class="down" />
    </>}>
      {presets.map((p) => (
        <MenuItem key={p} checked={range.from === p && range.to === ''} act={() => onChange({ from: p, to: '' })}>{rangeName({ from: p, to: '' })}</MenuItem>
      ))}
      <Relative onChange={onChange} />
      <Exact range={range} zone={zone} onChange={onChange} />
    </Menu>
  )
}

/** Relative takes how long back from now: 90m, 36 h, 3 days. */
function Relative({ onChange }: { onChange: (r: Range) => void }) {
  const [text, setText] = useState('')
  const read = /^\s*(\d{1,5})\s*(?:(s)(?:ec(?:ond)?s?)?|(m)(?:in(?:ute)?s?)?|(h)(?:(?:ou)?rs?)?|(d)(?:ays?)?|(w)(?:eeks?)?)\s*$/i.exec(text)
  const from = read ? `now-${Number(read[1])}${read.slice(2).join('').toLowerCase()}` : ''
  return (
    <form
      class="exact relative" onKeyDown={(e) => e.key !== 'Escape' && e.stopPropagation()}
      onSubmit={(e) => {
        e.preventDefault()
        if (from !== '') onChange({ from, to: '' })
      }}
    >
      <label>Last <input class="field mono" aria-label="How long back from now" value={text} placeholder="90m, 36h, 3d" aria-invalid={text !== '' && from === ''} onInput={(e) => setText(e.currentTarget.value)} /></label>
    </form>
  )
}

/** Exact takes two times as they are typed, in the zone that is said beside them. */
function Exact({ range, zone, onChange }: { range: Range; zone: Zone; onChange: (r: Range) => void }) {
  const [from, setFrom] = useState(typed(momentOf(range.from === '' ? 'now-24h' : range.from) ?? Date.now(), zone))
  const [to, setTo] = useState(typed(momentOf(range.to) ?? Date.now(), zone))
  const box = useRef<HTMLFormElement>(null)
  const start = read(from, zone)
  const end = read(to, zone)
  const wrong = start === undefined || end === undefined ? 'Write times as 2026-11-28 22:25.' : start >= end ? 'The end is before the beginning.' : ''
  return (
    <form
      ref={box} class="exact" onKeyDown={(e) => e.key !== 'Escape' && e.stopPropagation()}
      onSubmit={(e) => {
        e.preventDefault()
        if (wrong === '') onChange({ from: String(start), to: String(end) })
      }}
    >
      <label>From <input class="field mono" value={from} onInput={(e) => setFrom(e.currentTarget.value)} /></label>
      <label>To <input class="field mono" value={to} onInput={(e) => setTo(e.currentTarget.value)} /></label>
      <p class="small mut">{wrong === '' ? `Times in ${zoneName(zone)}.` : wrong}</p>
      <button class="button" disabled={wrong !== ''}>Look there</button>
    </form>
  )
}

function typed(at: number, zone: Zone): string {
  const d = new Date(zone === 'utc' ? at : at - new Date(at).getTimezoneOffset() * 60_000)
  return `${d.toISOString().slice(0, 10)} ${clockMinutes(at, zone)}`
}

function read(text: string, zone: Zone): number | undefined {
  const at = Date.parse(text.trim().replace(' ', 'T') + (zone === 'utc' ? 'Z' : ''))
  return Number.isNaN(at) ? undefined : at
}
