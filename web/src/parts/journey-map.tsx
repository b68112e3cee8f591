import { useEffect, useState } from 'preact/hooks'
import type { Stop } from '../api/explain'
import { clock, dayAndClock, duration, useZone, zoneName, type Zone } from '../state/time'
import { count, oneLine } from '../state/text'

/** JourneyMap is where somebody was, one place after the other, and how fast they would have travelled. */
export function JourneyMap({ stops }: { stops: Stop[] }) {
  const zone = useZone()
  const [land, setLand] = useState('')
  useEffect(() => void import('../made/world').then((m) => setLand(m.land)), [])
  const box = frame(stops)
  const scale = box.width / 100
  return (
    <figure class="journey">
      <svg viewBox={`${box.x} ${box.y} ${box.width} ${box.height}`} role="img" aria-label={'A map: ' + stops.map((s) => placeName(s)).join(', then ')}>
        <path class="land" d={land} />
        {stops.slice(1).map((s, i) => {
          const from = stops[i]
          return from && <path key={s.at} class={'leg' + (s.impossible ? ' impossible' : '')} d={arc(from, s)} />
        })}
        {stops.map((s, i) => <circle key={s.at + ' ' + i} class={'stop' + (s.impossible ? ' impossible' : '')} cx={s.longitude} cy={-s.latitude} r={scale * 0.9} />)}
      </svg>
      <ol class="stops">
        {stops.map((s, i) => <StopLine key={s.at + ' ' + i} stop={s} zone={zone} />)}
      </ol>
    </figure>
  )
}

function StopLine({ stop: s, zone }: { stop: Stop; zone: Zone }) {
  return (
    <li>
      <time class="mono mut" title={`${dayAndClock(s.at, zone)} ${zoneName(zone)}`}>{clock(s.at, zone)}</time>
      <span class="hi">{placeName(s)}{s.assumed && <span class="mut"> (taken to be there)</span>}</span>
      <span class={s.impossible ? 'critical' : 'mut'}>
        {s.km > 0 && `${count(Math.round(s.km))} km`}{s.km > 0 && s.since > 0 && ` in ${duration(s.at - s.since)}`}{s.kmh > 0 && `, ${count(Math.round(s.kmh))} km/h`}
      </span>
    </li>
  )
}

const placeName = (s: Stop): string => oneLine([s.city, s.country].filter((t) => t !== '').join(', ') || `${s.latitude.toFixed(1)}, ${s.longitude.toFixed(1)}`)

/** frame is the part of the world that has all stops in it, with room around; twice as wide as high. */
function frame(stops: Stop[]) {
  const xs = stops.map((s) => s.longitude)
  const ys = stops.map((s) => -s.latitude)
  const spanX = Math.max(...xs) - Math.min(...xs)
  const spanY = Math.max(...ys) - Math.min(...ys)
  const width = Math.min(360, Math.max(40, spanX * 1.5, spanY * 3.6))
  const height = width / 2.4
  const clamp = (v: number, low: number, high: number) => Math.max(low, Math.min(high, v))
  return {
    x: clamp((Math.max(...xs) + Math.min(...xs)) / 2 - width / 2, -180, 180 - width), width, height,
    y: clamp((Math.max(...ys) + Math.min(...ys)) / 2 - height / 2, -84, 84 - height),
  }
}

/** arc is a bow from one stop to the next. */
function arc(a: Stop, b: Stop): string {
  const [x1, y1, x2, y2] = [a.longitude, -a.latitude, b.longitude, -b.latitude]
  const lift = Math.hypot(x2 - x1, y2 - y1) * 0.18
  return `M${x1} ${y1}Q${(x1 + x2) / 2} ${(y1 + y2) / 2 - lift} ${x2} ${y2}`
}
