import { useEffect, useState } from 'preact/hooks'
import type { Stop } from '../api/explain'
import { clock, day, dayAndClock, duration, useZone, zoneName, type Zone } from '../state/time'
import { count, oneLine } from '../state/text'

/** JourneyMap is where somebody was, one place after the other, and how fast they would have travelled. */
export function JourneyMap({ stops }: { stops: Stop[] }) {
  const zone = useZone()
  const [land, setLand] = useState('')
  useEffect(() => void import('../made/world').then((m) => setLand(m.land)), [])
  const onMap = unwrapped(stops)
  const box = frame(onMap)
  const size = box.width / 100
  return (
    <figure class="journey">
      <div class="map" style={{ aspectRatio: String(box.width / box.height) }}>
        <svg viewBox={`${box.x} ${box.y} ${box.width} ${box.height}`} role="img" aria-label={'A map: ' + stops.map((s) => placeName(s) + (s.impossible ? `, ${speed(s)} from the one before` : '')).join(', then ')}>
          {[-360, 0, 360].filter((d) => box.x < d + 180 && box.x + box.width > d - 180).map((d) => <path key={d} class="land" d={land} transform={`translate(${d})`} />)}
          {onMap.slice(1).map((s, i) => {
            const from = onMap[i]
            return from && <path key={s.at} class={'leg' + (s.impossible ? ' impossible' : '')} d={arc(from, s)} />
          })}
          {onMap.map((s, i) => <circle key={s.at + ' ' + i} class={'stop' + (s.impossible ? ' impossible' : '')} cx={s.longitude} cy={-s.latitude} r={size * 0.7} />)}
        </svg>
        {onMap.map((s, i) => <PlaceLabel key={s.at + ' ' + i} stop={s} box={box} again={onMap.slice(0, i).some((t) => placeName(t) === placeName(s))} />)}
        {onMap.slice(1).map((s, i) => {
          const from = onMap[i]
          return from && s.impossible && <span key={'v' + s.at} class="map-label critical" aria-hidden="true" style={labelAt(middle(from, s), box)}>{speed(s)}</span>
        })}
      </div>
      <ol class="stops">
        {stops.map((s, i) => <StopLine key={s.at + ' ' + i} stop={s} before={stops[i - 1]} zone={zone} />)}
      </ol>
    </figure>
  )
}

interface Box { x: number; y: number; width: number; height: number }

const labelAt = (p: { longitude: number; latitude: number }, box: Box) => {
  const [left, top] = [((p.longitude - box.x) / box.width) * 100, ((-p.latitude - box.y) / box.height) * 100]
  return { left: `${left}%`, top: `${top}%`, ...(left > 75 ? { transform: 'translate(calc(-100% - 9px), -50%)' } : {}) }
}

/** PlaceLabel names a place once. */
function PlaceLabel({ stop, box, again }: { stop: Stop; box: Box; again: boolean }) {
  return again ? null : <span class={'map-label' + (stop.impossible ? ' critical' : '')} aria-hidden="true" style={labelAt(stop, box)}>{stop.city || placeName(stop)}</span>
}

const speed = (s: Stop): string => (s.kmh >= 100_000 ? 'at once' : `${count(Math.round(s.kmh))} km/h`)

function StopLine({ stop: s, before, zone }: { stop: Stop; before: Stop | undefined; zone: Zone }) {
  const isOtherDay = before && day(before.at, zone) !== day(s.at, zone)
  return (
    <li class={s.impossible ? 'impossible' : ''}>
      <time class="mono mut" title={`${dayAndClock(s.at, zone)} ${zoneName(zone)}`}>{isOtherDay ? dayAndClock(s.at, zone) : clock(s.at, zone)}</time>
      <span class="hi">{placeName(s)}{s.assumed && <span class="mut"> (taken to be there: the address is the same)</span>}</span>
      <span class={s.impossible ? 'critical' : 'mut'}>
        {s.km > 0 && `${count(Math.round(s.km))} km`}{s.km > 0 && s.since > 0 && ` in ${duration(s.at - s.since)}`}{s.kmh > 0 && `, ${speed(s)}`}
      </span>
    </li>
  )
}

const placeName = (s: Stop): string => oneLine([s.city, s.country].filter((t) => t !== '').join(', ') || `${s.latitude.toFixed(1)}, ${s.longitude.toFixed(1)}`, 80)

/** unwrapped are stops whose legs take the shorter way around, across the date line where that is it. */
function unwrapped(stops: Stop[]): Stop[] {
  let before: number | undefined
  return stops.map((s) => {
    const longitude = before === undefined ? s.longitude : s.longitude + 360 * Math.round((before - s.longitude) / 360)
    before = longitude
    return { ...s, longitude }
  })
}

/** frame is the part of the world that has all stops in it, with room around. */
function frame(stops: Stop[]): Box {
  const xs = stops.map((s) => s.longitude)
  const ys = stops.map((s) => -s.latitude)
  const spanX = Math.max(...xs) - Math.min(...xs)
  const spanY = Math.max(...ys) - Math.min(...ys)
  const width = Math.min(400, Math.max(40, spanX * 1.5, spanY * 3.6))
  const height = Math.min(168, width / 2.6)
  const middleY = (Math.max(...ys) + Math.min(...ys)) / 2 - height / 2
  return { x: (Math.max(...xs) + Math.min(...xs)) / 2 - width / 2, width, height, y: Math.max(-84, Math.min(84 - height, middleY)) }
}

const lift = (a: Stop, b: Stop): number => Math.hypot(b.longitude - a.longitude, b.latitude - a.latitude) * 0.18

/** middle is where the bow from one stop to the next is halfway. */
const middle = (a: Stop, b: Stop) => ({ longitude: (a.longitude + b.longitude) / 2, latitude: (a.latitude + b.latitude) / 2 + lift(a, b) / 2 })

/** arc is a bow from one stop to the next. */
function arc(a: Stop, b: Stop): string {
  const [x1, y1, x2, y2] = [a.longitude, -a.latitude, b.longitude, -b.latitude]
  return `M${x1} ${y1}Q${(x1 + x2) / 2} ${(y1 + y2) / 2 - lift(a, b)} ${x2} ${y2}`
}
